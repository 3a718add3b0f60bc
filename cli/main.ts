#!/usr/bin/env node
import { fail } from "./io/fail.ts";
import { plainLine } from "./program/plain-line.ts";

declare const PORTHOLE_VERSION: string;

process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);

let isDone = false;
// The event loop is empty while the command still waits: Node would exit with status 0.
process.on("beforeExit", () => {
  if (!isDone) fail(new Error("internal error: no result (please report it)"));
});

main().then(() => {
  isDone = true;
  // Exits before Node tears down the heap, which takes about 5 ms. Output is already written,
  // because writes are synchronous on Linux.
  process.exit();
}, fail);

async function main(): Promise<void> {
  if (process.platform !== "linux") {
    throw new Error(`cannot run on ${process.platform}: porthole passes file descriptors between Linux namespaces`);
  }
  let args = process.argv.slice(2);
  // An argument that is not UTF-8 is rare: only then load the library before the command is known.
  if (args.some((arg) => arg.includes("\ufffd"))) args = (await import("../src/target.ts")).exactArguments(args);
  // `ssh HOST porthole` starts it this way: see src/elsewhere/installed-place.ts.
  if (args[0] === "__remote") {
    process.exitCode = await (await import("./commands/remote.ts")).remote(args.slice(1));
    return;
  }
  // In an ephemeral container of a pod: see cli/kubectl/helpers/in-pod.ts.
  if (process.env.PORTHOLE_PART_NAME !== undefined)
    (await import("./targets/debugged-container.ts")).prepareDebuggedContainer();
  // Without a command, with options only, or with a target, porthole opens the screen.
  const [first = "-"] = args;
  const isScreen =
    (first.startsWith("-") || first.includes(":") || first.includes("/")) &&
    !["-h", "--help", "-V", "--version", "--"].includes(first);
  const plain = await plainLine(isScreen ? ["browse", ...args] : args);
  if (plain !== undefined) {
    process.exitCode = await plain();
    return;
  }
  const definitions = async (words?: readonly string[]) =>
    (await import("./program/index.ts")).program(PORTHOLE_VERSION, words);
  // `porthole __complete SHELL -- ...`, by the completion scripts at each Tab.
  if (first === "__complete") {
    const { complete } = await import("./commands/complete.ts");
    process.exitCode = await complete(definitions, args[1] ?? "", args.slice(3));
    return;
  }
  if (isScreen && first.startsWith("-") && args.some((arg) => /^[a-z][a-z-]*$/.test(arg))) {
    const { optionsBeforeCommand } = await import("./program/options-first.ts");
    const error = optionsBeforeCommand(args, await definitions());
    if (error !== undefined) throw error;
  }
  if (isScreen) args.unshift("browse");
  await (await definitions(args)).parseAsync(args, { from: "user" });
}
