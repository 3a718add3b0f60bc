import { normalize } from "node:path";
import type { MissingPath } from "../../engines/layers/layers.ts";

/** Returns why no file is left at `path`: `/run was in memory`. Undefined if the file may exist. */
export function reasonMissing(absent: readonly MissingPath[], path: string): string | undefined {
  const plain = normalize(path);
  const found = absent.find(({ path: at }) => plain === at || plain.startsWith(`${at}/`));
  return found && `${found.path} ${found.why}`;
}

/** The hint for a file that is missing for `reason`. */
export function missingHint(reason: string): string {
  return `${reason}, so its contents are gone`;
}
