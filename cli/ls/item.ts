import type { FileStat } from "../../src/protocol/index.ts";

/** One file as `ls` and `stat` show it. */
export interface Item {
  /** The printed name; for a target of the command line, the whole target. */
  readonly name: string;
  /** The full target, usable in another command. */
  readonly target: string;
  readonly path: string;
  /** `d_type` of getdents64(2), 0 if unknown. */
  readonly type: number;
  /** Undefined if not requested, or if stat failed. */
  readonly stat: FileStat | undefined;
  /** The target of a symbolic link. */
  readonly link: string | undefined;
  /**
   * Mode of the file that a symbolic link leads to, 0 if it is dangling; undefined if not
   * requested.
   */
  linkMode: number | undefined;
  /** Total size of the file and all files below it, in bytes, if requested. */
  total: bigint | undefined;
  /** Names by id, from /etc/passwd and /etc/group of the target. */
  readonly users: Map<number, string> | undefined;
  readonly groups: Map<number, string> | undefined;
}
