import { writeSync } from "node:fs";
import { LIMIT_HINT, messageOf, openFilesLimit } from "../../src/errors.ts";
import { withEngine } from "./part-of-several.ts";

/** Exit statuses, as documented in README.md and by `porthole --help`. */
export const Exit = { ok: 0, file: 1, usage: 2, target: 3, attach: 4, session: 5, interrupted: 130 } as const;

const statusByCode: Record<string, number> = {
  FILE: Exit.file,
  USAGE: Exit.usage,
  TARGET: Exit.target,
  ATTACH: Exit.attach,
  SESSION: Exit.session,
  CANCELLED: Exit.interrupted,
};

/**
 * Returns the exit status for an error. Tests the code, not the class, so that this file does not
 * load the library.
 */
export function exitStatus(error: unknown): number {
  const { code, errno } = (error ?? {}) as { code?: unknown; errno?: unknown };
  // ETIMEDOUT means a timeout, not an interrupt.
  if (code === "CANCELLED" && errno === "ETIMEDOUT") return Exit.session;
  return (typeof code === "string" ? statusByCode[code] : undefined) ?? Exit.file;
}

/** Writes one line to standard error. Ignores a closed stderr. */
export function complain(line: string): void {
  try {
    writeSync(2, `porthole: ${line}\n`);
  } catch {}
}

/**
 * Reports an error in one line: what failed, and the remedy. Adds the stack only with
 * PORTHOLE_DEBUG.
 */
export function report(error: unknown): void {
  const { message, hint } = errorText(error);
  if (isNewCause(error)) complain(printable(hint === undefined ? message : `${message} (${hint})`));
  if (process.env.PORTHOLE_DEBUG) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) complain(cause.stack ?? "");
  }
}

const reportedLimits = new Set<string>();

/**
 * False for a limit of open files that was already reported: it fails many operations, and all have
 * the same cause.
 */
export function isNewCause(error: unknown): boolean {
  const limit = openFilesLimit(error);
  if (limit === undefined) return true;
  if (reportedLimits.has(limit)) return false;
  reportedLimits.add(limit);
  return true;
}

/**
 * Returns the message and remedy of an error. A limit of open files is the whole message: what
 * failed first is a coincidence.
 */
export function errorText(error: unknown): { message: string; hint: string | undefined } {
  const limit = openFilesLimit(error);
  if (limit !== undefined) return { message: LIMIT_TEXT[limit], hint: LIMIT_HINT[limit] };
  const { hint } = (error ?? {}) as { hint?: string };
  return { message: withEngine(messageOf(error)), hint: hint === undefined ? hint : withEngine(hint) };
}

const LIMIT_TEXT = { EMFILE: "too many open files", ENFILE: "too many open files on this machine" };

/** Ends the process after an unhandled error. */
export function fail(error: unknown): never {
  const { code, syscall, exitCode } = (error ?? {}) as NodeJS.ErrnoException & { exitCode?: number };
  // Commander has already written its message. Only its errors have this property: this file does
  // not load commander, because many commands do not need it.
  if (typeof exitCode === "number") process.exit(exitCode);
  // The reader of a help text closed the pipe. Node ignores SIGPIPE, so exits with the status that
  // a shell reports for it.
  if (code === "EPIPE") process.exit(128 + SIGPIPE);
  if (syscall === "write") complain(`write error: ${code === "ENOSPC" ? "No space left on device" : code}`);
  else report(error);
  process.exit(exitStatus(error));
}

/** The same number on every processor (signal(7)). node:os would take 0.3 ms of each command. */
const SIGPIPE = 13;

const PLAIN = /^[ -~]*$/;

/**
 * Escapes control characters: messages contain names that come from containers. Uses the notation
 * of the library's sanitiser (`^[`, `<9B>`, `<U+202E>`). That one is more precise about scripts and
 * widths, but an error may occur before it is loaded.
 */
export function printable(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20 || code === 0x7f) return `^${String.fromCharCode(code ^ 0x40)}`;
    if (code >= 0xdc80 && code <= 0xdcff) return `<${hex(code - 0xdc00, 2)}>`;
    return code < 0xa0 ? `<${hex(code, 2)}>` : `<U+${hex(code, 4)}>`;
  });
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, "0");
}
