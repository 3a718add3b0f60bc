#!/usr/bin/env node
import { fail } from "./io/fail.ts";
import { program } from "./program/index.ts";

declare const PORTHOLE_VERSION: string;

process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);

let isDone = false;
// Nothing is under way any more, and the command waits: Node would end with status 0, which would be a lie.
process.once("beforeExit", () => {
  if (!isDone) fail(new Error("the command came to nothing: an answer was lost, which is a fault of porthole's own"));
});

main().then(() => {
  isDone = true;
}, fail);

async function main(): Promise<void> {
  if (process.platform !== "linux") {
    throw new Error(`porthole works on Linux only: descriptors cross namespaces there, this is ${process.platform}`);
  }
  let args = process.argv.slice(2);
  // Rare: a name that is not UTF-8. Only then is the library needed before the command is known.
  if (args.some((arg) => arg.includes("\ufffd"))) args = (await import("../src/target.ts")).exactArguments(args);
  // Alone, with options alone, or with a target, which no command's name looks like, it is the screen.
  const [first = "-"] = args;
  if (/^-|[:/]/.test(first) && !/^(-h|--help|-V|--version|--)$/.test(first)) args.unshift("browse");
  await program(PORTHOLE_VERSION, args).parseAsync(args, { from: "user" });
}
