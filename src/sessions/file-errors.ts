import { PortholeError } from "../errors.ts";

/** Calls `action`. Its errors become FILE errors that name `path` and keep the errno. */
export function withFileErrors<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof PortholeError)
      throw new PortholeError("FILE", `${path}: ${error.message}`, { errno: error.errno, cause: error });
    const { code, message } = error as NodeJS.ErrnoException;
    // Node's text is "ENOENT: no such file or directory, stat '...'".
    const text = /^\w+: ([^,]*)/.exec(message)?.[1] ?? message;
    throw new PortholeError("FILE", `${path}: ${text}`, { errno: code, cause: error });
  }
}
