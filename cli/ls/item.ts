import type { FileStat } from "../../src/protocol/index.ts";

/** A file in the output of `ls` and `stat`. */
export interface Item {
  /** The printed name. For a target of the command line, it is the whole target. */
  readonly name: string;
  /** The full target, which other commands accept. */
  readonly target: string;
  readonly path: string;
  /** `d_type` of getdents64(2); 0 if unknown. */
  readonly type: number;
  /** The file's stat; undefined if not requested, or if stat failed. */
  readonly stat: FileStat | undefined;
  /** The target of a symbolic link. */
  readonly link: string | undefined;
  /** Mode of the target of a symbolic link, 0 for a dangling link; undefined if not requested. */
  linkMode: number | undefined;
  /** Total size in bytes of the file and all files below it; undefined if not requested. */
  total: bigint | undefined;
  /** Names of users and groups by id, from /etc/passwd and /etc/group of the target. */
  readonly users: Map<number, string> | undefined;
  readonly groups: Map<number, string> | undefined;
}
