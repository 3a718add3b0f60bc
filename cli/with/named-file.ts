import type { OpenFile } from "../../src/sessions/index.ts";
import type { NamedTarget } from "../targets/session-pool.ts";

/** A target that was opened. */
export interface NamedFile extends NamedTarget {
  file: OpenFile;
}

export function isDirectory({ file }: NamedFile): boolean {
  return file.kind === "directory";
}
