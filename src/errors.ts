/** Stable codes of {@link PortholeError}; README.md, "Exit status", maps them to exit statuses. */
export type ErrorCode =
  /** The file could not be opened, read or listed; `errno` says why. Exit 1. */
  | "FILE"
  /** The request itself is wrong (bad target syntax, bad option). Exit 2. */
  | "USAGE"
  /** No such container, image, volume or process, it does not run, or there is no engine to ask. Exit 3. */
  | "TARGET"
  /** The target is there, but no agent could be brought to it. Exit 4. */
  | "ATTACH"
  /** The session with the agent ended or broke its protocol. Exit 5. */
  | "SESSION"
  /** A deadline passed or the caller aborted. Exit 5, or 130 when a signal caused it. */
  | "CANCELLED";

/** A file that was not opened, because reading takes data away from others; the option `consume` of an open does it. */
export interface Consumes {
  /** What reading does, in a few words: `takes data away`. */
  does: string;
  /** The target that shows the same bytes: `web:@stdout`; undefined where nothing keeps them. */
  output: string | undefined;
}

/** What is known about a failure beside its message. */
export interface ErrorDetails {
  /** errno name such as `ENOENT`, where the kernel gave one. */
  errno?: string | undefined;
  /** One sentence: what the user can do about it. */
  hint?: string | undefined;
  /** Set where a file was not opened because reading it takes data away. */
  consumes?: Consumes | undefined;
  /** The failure underneath. */
  cause?: unknown;
}

/** The caller's signal ended an attach. */
export function attachInterrupted(cause?: unknown): PortholeError {
  return new PortholeError("CANCELLED", "attaching was interrupted", cause === undefined ? {} : { cause });
}

/**
 * The one error that porthole throws. `message` is a single line that says what failed, where and with which value;
 * bytes that came from a container are escaped by whoever prints it, never here.
 */
export class PortholeError extends Error {
  override readonly name = "PortholeError";
  readonly code: ErrorCode;
  readonly errno: string | undefined;
  readonly hint: string | undefined;
  readonly consumes: Consumes | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.errno = details.errno;
    this.hint = details.hint;
    this.consumes = details.consumes;
  }
}
