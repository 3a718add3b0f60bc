import { writeSync } from "node:fs";
import { openFilesLimit } from "../../src/errors.ts";
import { Exit, errorText, isNewCause, printable } from "../io/fail.ts";
import { withEngine } from "../io/part-of-several.ts";
import { UsageError } from "./amount.ts";
import { quoted } from "./quote.ts";

/** Writes one line to standard error as head and tail do: `tail: ...`. */
export function printMessage(command: "head" | "tail", text: string): void {
  try {
    writeSync(2, `${command}: ${printable(text)}\n`);
  } catch {}
}

/** Writes the line of a failure. Reports a limit of open files once, and only the limit. */
export function printFailure(command: "head" | "tail", text: string, error: unknown): void {
  if (isNewCause(error)) printMessage(command, openFilesLimit(error) === undefined ? text : fullText(error));
}

/**
 * Returns the reason of an error: the text of strerror(3) for a system error, else porthole's
 * message and hint.
 */
export function reasonOf(error: unknown): string {
  const { code, message = String(error), hint } = (error ?? {}) as { code?: unknown; message?: string; hint?: string };
  const text = code === "FILE" ? (REASON.exec(message)?.[1] ?? message) : withEngine(message);
  return hint === undefined ? capitalised(code, text) : `${capitalised(code, text)} (${hint})`;
}

/** The text of an errno at the end of a message; one such text contains a colon. */
const REASON = /: ((?:Too many references: )?[^:]*(?::(?! )[^:]*)*)$/;

/** Returns an error's whole message and hint, for an error without a name before it. */
export function fullText(error: unknown): string {
  const { message, hint } = errorText(error);
  return hint === undefined ? message : `${message} (${hint})`;
}

export function cannotOpen(name: string, error: unknown): string {
  return `cannot open ${quoted(name)} for reading: ${reasonOf(error)}`;
}

export function errorReading(name: string, error: unknown): string {
  return `error reading ${quoted(name)}: ${reasonOf(error)}`;
}

/** Capitalises the text of a system error, as strerror(3) does. */
function capitalised(code: unknown, text: string): string {
  return code === "FILE" ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}

/** Reports wrong options in GNU's words and returns the exit status. Rethrows any other error. */
export function reportUsageError(command: "head" | "tail", error: unknown): number {
  if (!(error instanceof UsageError)) throw error;
  printMessage(command, error.message);
  return Exit.usage;
}
