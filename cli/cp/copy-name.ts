import { PortholeError } from "../../src/errors.ts";

/** Adds the name of the copy to an error of read(2) or write(2), which has only a descriptor. */
export function withCopyName(error: unknown, copy: string): unknown {
  if (!(error instanceof PortholeError) || !/^(read|write) failed: /.test(error.message)) return error;
  const { code, errno, hint } = error;
  return new PortholeError(code, `cannot copy to ${copy}: ${error.message}`, { errno, hint, cause: error });
}
