import { PortholeError } from "../../src/errors.ts";
import { insteadOf, type OpenFile, type Session } from "../../src/sessions/index.ts";
import { orLocalFile } from "./local-file.ts";
import type { NamedTarget } from "./session-pool.ts";

/** Options of {@link openTarget}. */
export interface OpenTargetOptions {
  /** `--consume`: also opens files whose data reading removes, if their names are given in full. */
  consume?: boolean | undefined;
  write?: boolean | undefined;
}

/**
 * Opens a target. A file that a glob matched is never consumed, even with `--consume`.
 * @throws PortholeError as {@link Session.open}, with a hint for this command
 */
export async function openTarget(
  session: Session,
  { text, target, isMatch }: NamedTarget,
  { consume, write }: OpenTargetOptions,
): Promise<OpenFile> {
  try {
    return await session.open(target.path, {
      ...(write === true && { write }),
      consume: consume === true && isMatch !== true,
    });
  } catch (error) {
    throw consume === true ? withHint(error, "--consume needs the full name, not a glob") : orLocalFile(text, error);
  }
}

/**
 * Returns undefined for a directory that no agent passes, because its file system may block. Such a
 * directory can be listed, and its files are relayed.
 */
export async function unlessDirectory(opened: Promise<OpenFile>): Promise<OpenFile | undefined> {
  try {
    return await opened;
  } catch (error) {
    if (error instanceof PortholeError && error.errno === "EISDIR") return undefined;
    throw error;
  }
}

/**
 * Replaces the hint of the error for a file that reading would consume. Returns other errors
 * unchanged.
 */
export function withHint(error: unknown, way: string): unknown {
  if (!(error instanceof PortholeError) || error.consumes === undefined) return error;
  const { code, message, errno, consumes, cause } = error;
  return new PortholeError(code, message, { errno, consumes, cause, hint: insteadOf(consumes.output, way) });
}
