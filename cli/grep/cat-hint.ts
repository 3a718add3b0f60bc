import { withHint } from "../targets/open-target.ts";

/**
 * Replaces the hint of the error for a file that reading would consume. Returns other errors
 * unchanged.
 */
export function withCatHint(name: string, error: unknown): unknown {
  return withHint(error, `use porthole cat --consume ${name} | grep PATTERN`);
}
