import type { OpenFile } from "../../src/sessions/index.ts";
import type { NamedTarget } from "../targets/session-pool.ts";

/** A target with its open file. */
export interface NamedFile extends NamedTarget {
  file: OpenFile;
}

export function isDirectory({ file }: NamedFile): boolean {
  return file.kind === "directory";
}
