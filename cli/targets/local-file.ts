import { existsSync } from "node:fs";
import { PortholeError } from "../../src/errors.ts";
import { parseTarget, pathBytes, type Target } from "../../src/target.ts";

/** Parses a target. The error for an invalid target mentions a local file of that name. */
export function parseNamed(text: string): Target {
  try {
    return parseTarget(text);
  } catch (error) {
    throw orLocalFile(text, error);
  }
}

/**
 * Adds a hint if a target was not found but a local file has that name: `test:111.json`. Returns
 * other errors unchanged.
 * @param text the target as written
 */
export function orLocalFile(text: string, error: unknown): unknown {
  if (!(error instanceof PortholeError) || !isOfTheTarget(error)) return error;
  if (/^[./]/.test(text) || !existsSync(pathBytes(text))) return error;
  const { code, message, errno } = error;
  return new PortholeError(code, message, {
    errno,
    cause: error,
    hint: `for the local file use ./${text}`,
  });
}

function isOfTheTarget({ code, errno }: PortholeError): boolean {
  return code === "USAGE" || code === "TARGET" || (code === "FILE" && errno === "ENOENT");
}

/** Formats a target as text. */
export function targetText(target: Target): string {
  const { kind, path } = target;
  if (kind === "local") return path;
  if (kind === "process") return `pid:${target.pid}:${path}`;
  return `${kind === "image" || kind === "volume" ? `${kind}:` : ""}${target.name}:${path}`;
}
