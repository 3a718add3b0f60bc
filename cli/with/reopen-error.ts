import { accessSync, closeSync, constants, openSync } from "node:fs";
import { errnoText } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import type { OpenFile } from "../../src/sessions/index.ts";

/**
 * Returns why a program of this user could not open the file again by its path, or undefined if it
 * can. A reopen checks this user's permissions on the file; the agent's descriptor did not need
 * them. Does not open devices and FIFOs for the check, because opening them has side effects.
 */
export function reopenError(file: OpenFile, write: boolean): PortholeError | undefined {
  const path = `/proc/self/fd/${file.fd}`;
  try {
    if (file.kind === "file")
      closeSync(openSync(path, (write ? constants.O_RDWR : constants.O_RDONLY) | constants.O_NONBLOCK));
    else accessSync(path, constants.R_OK | (write && file.kind !== "directory" ? constants.W_OK : 0));
    return undefined;
  } catch (error) {
    const { code, errno = 0 } = error as NodeJS.ErrnoException;
    return new PortholeError("FILE", errnoText(-errno), { errno: code, cause: error });
  }
}
