import { fstatSync } from "node:fs";
import { PortholeError } from "../../src/errors.ts";

/**
 * Reads standard input from its current offset to its end.
 * @throws PortholeError FILE: EISDIR for a directory, EIO for a background read of a terminal
 */
export async function* inputPieces(): AsyncGenerator<Buffer> {
  // Node reads a directory as an empty stream.
  if (fstatSync(0).isDirectory())
    throw new PortholeError("FILE", "standard input: Is a directory", { errno: "EISDIR" });
  try {
    for await (const piece of process.stdin) yield piece as Buffer;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const reason = /^\w+: ([^,]*)/.exec(message)?.[1] ?? message;
    const text = reason.charAt(0).toUpperCase() + reason.slice(1);
    throw new PortholeError("FILE", `standard input: ${text}`, { errno: code, cause: error });
  }
}
