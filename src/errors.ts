/** Stable codes of {@link PortholeError}. README.md, "Exit status", maps them to exit statuses. */
export type ErrorCode =
  /** The file could not be opened, read or listed; see `errno`. Exit 1. */
  | "FILE"
  /** The request is invalid (target syntax, option). Exit 2. */
  | "USAGE"
  /**
   * No such container, image, volume or process; or it is not running; or no engine responds. Exit
   * 3.
   */
  | "TARGET"
  /** No agent could be started for the target. Exit 4. */
  | "ATTACH"
  /** The session with the agent ended or violated the protocol. Exit 5. */
  | "SESSION"
  /** A deadline passed or the caller aborted. Exit 5; 130 after a signal. */
  | "CANCELLED";

/** A file that was not opened, because reading consumes its data. The option `consume` opens it. */
export interface Consumes {
  /** The kind of the file in a few words: `a pipe`. */
  kind: string;
  /** The effect of reading in a few words: `consumes its data`. */
  does: string;
  /** The consequence for others, as a sentence. */
  effect: string;
  /** The target that shows the same bytes: `web:@stdout`; undefined if no engine stores them. */
  output: string | undefined;
}

/** Details of an error besides its message. */
export interface ErrorDetails {
  /** errno name such as `ENOENT`, if the kernel returned one. */
  errno?: string | undefined;
  /** One sentence that names the remedy. */
  hint?: string | undefined;
  /** Set for a file that was not opened because reading consumes its data. */
  consumes?: Consumes | undefined;
  /** The underlying error. */
  cause?: unknown;
}

/** The caller's signal ended an attach. */
export function attachInterrupted(cause?: unknown): PortholeError {
  return new PortholeError("CANCELLED", "attaching was interrupted", cause === undefined ? {} : { cause });
}

/**
 * The only error class of porthole. `message` is a single line: what failed, for which object, and
 * why. Bytes from a container are escaped only when they are printed.
 */
export class PortholeError extends Error {
  override readonly name = "PortholeError";
  readonly code: ErrorCode;
  /** Name of the kernel's error, such as `ENOENT`; undefined for an error of another origin. */
  readonly errno: string | undefined;
  /** One sentence that names the remedy, with options as on the command line. */
  readonly hint: string | undefined;
  /** Set for a file that was not opened because reading consumes its data. */
  readonly consumes: Consumes | undefined;

  /** Replaces the hint of an error that a limit of open files caused. */
  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.errno = details.errno;
    const limit = openFilesLimit(this);
    this.hint = limit === undefined ? details.hint : LIMIT_HINT[limit];
    this.consumes = details.consumes;
  }
}

/**
 * Returns the errno of an error that was caused by a limit of open files: EMFILE of this process,
 * ENFILE of the machine. Such an error says nothing about the file or engine that it names.
 */
export function openFilesLimit(error: unknown): "EMFILE" | "ENFILE" | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { errno, code } = at as { errno?: unknown; code?: unknown };
    for (const name of [errno, code]) if (name === "EMFILE" || name === "ENFILE") return name;
  }
  // An agent that ends reports its reason as text.
  return /: too many open files$/i.test(error instanceof Error ? error.message : String(error)) ? "EMFILE" : undefined;
}

/**
 * Throws for an error of {@link openFilesLimit}, where other errors mean that an object is missing.
 */
export function rethrowAtLimit(error: unknown): void {
  const limit = openFilesLimit(error);
  if (error instanceof PortholeError && limit !== undefined) throw error;
  if (limit !== undefined) throw new PortholeError("FILE", "too many open files", { errno: limit, cause: error });
}

/**
 * Returns what `read` returns, or `otherwise` if it throws: the object is missing, hidden or
 * damaged. Throws at a limit of open files; see {@link rethrowAtLimit}.
 */
export function readOr<Value, Other>(otherwise: Other, read: () => Value): Value | Other {
  try {
    return read();
  } catch (error) {
    rethrowAtLimit(error);
    return otherwise;
  }
}

/** The remedy for a limit of open files. */
export const LIMIT_HINT = { EMFILE: "raise ulimit -n", ENFILE: "raise fs.file-max with sysctl" } as const;

/**
 * Returns the message of a thrown value. Node's messages begin with a code and end with the system
 * call: `EACCES: permission denied, open '/x'` becomes `open /x failed: permission denied`.
 */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const [, code, reason, call, path] = NODE_MESSAGE.exec(error.message) ?? [];
  if (code === undefined || code !== (error as NodeJS.ErrnoException).code) return error.message;
  return `${call}${path === undefined ? "" : ` ${path}`} failed: ${reason}`;
}

const NODE_MESSAGE = /^(E[A-Z0-9]+): (.*?), (\w+)(?: '(.*?)'(?: -> '.*')?)?$/s;
