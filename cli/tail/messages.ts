import { writeSync } from "node:fs";
import { Exit, printable } from "../io/fail.ts";
import { UsageError } from "./amount.ts";
import { quoted } from "./quote.ts";

/** Writes one line on standard error as head or tail would: `tail: ...`. */
export function printMessage(command: "head" | "tail", text: string): void {
  try {
    writeSync(2, `${command}: ${printable(text)}\n`);
  } catch {}
}

/** Why a file could not be opened, read or asked about: the system's words where it was the system, else what porthole says and what to do. */
export function reasonOf(error: unknown): string {
  const { code, message = String(error), hint } = (error ?? {}) as { code?: unknown; message?: string; hint?: string };
  const text = code === "FILE" ? (message.split(": ").at(-1) ?? message) : message;
  return hint === undefined ? capitalised(code, text) : `${capitalised(code, text)} (${hint})`;
}

export function cannotOpen(name: string, error: unknown): string {
  return `cannot open ${quoted(name)} for reading: ${reasonOf(error)}`;
}

export function errorReading(name: string, error: unknown): string {
  return `error reading ${quoted(name)}: ${reasonOf(error)}`;
}

/** strerror(3) begins with a capital, Node's text does not. */
function capitalised(code: unknown, text: string): string {
  return code === "FILE" ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}

/** Says what is wrong with the options, in GNU's words, and returns the exit status; any other error is thrown on. */
export function reportUsageError(command: "head" | "tail", error: unknown): number {
  if (!(error instanceof UsageError)) throw error;
  printMessage(command, error.message);
  return Exit.usage;
}
