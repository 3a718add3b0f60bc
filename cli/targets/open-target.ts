import { PortholeError } from "../../src/errors.ts";
import type { OpenFile, Session } from "../../src/sessions/index.ts";
import type { NamedTarget } from "./session-pool.ts";

/** How a command opens the files it was given. */
export interface OpenTargetOptions {
  /** `--consume`: also what loses what is read, where it is named in full. */
  consume?: boolean | undefined;
  write?: boolean | undefined;
}

/**
 * Opens a target. What a glob matched is never opened at the price of its data, whatever the options say.
 * @throws PortholeError as {@link Session.open}, its hint being one for this command
 */
export async function openTarget(
  session: Session,
  { target, isMatch }: NamedTarget,
  { consume, write }: OpenTargetOptions,
): Promise<OpenFile> {
  try {
    return await session.open(target.path, {
      ...(write === true && { write }),
      consume: consume === true && isMatch !== true,
    });
  } catch (error) {
    throw consume === true ? withHint(error, "a glob does not consume: name it in full") : error;
  }
}

/** An error that a file would be consumed, with another way than `--consume` to do it. Any other error as it is. */
export function withHint(error: unknown, way: string): unknown {
  if (!(error instanceof PortholeError) || error.consumes === undefined) return error;
  const { code, message, errno, consumes, cause } = error;
  const { output } = consumes;
  const hint = output === undefined ? way : `${output}; ${way}`;
  return new PortholeError(code, message, { errno, consumes, cause, hint });
}
