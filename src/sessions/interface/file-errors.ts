import { PortholeError } from "../../errors.ts";

/**
 * Calls `action`. Converts its errors to FILE errors with `path` in the message, and keeps the
 * errno.
 */
export function withFileErrors<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof PortholeError)
      throw new PortholeError("FILE", `${path}: ${error.message}`, { errno: error.errno, cause: error });
    const { code, message } = error as NodeJS.ErrnoException;
    // Node's message is "ENOENT: no such file or directory, stat '...'".
    const text = /^\w+: ([^,]*)/.exec(message)?.[1] ?? message;
    throw new PortholeError("FILE", `${path}: ${text}`, { errno: code, cause: error });
  }
}
