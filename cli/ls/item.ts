import type { FileStat } from "../../src/protocol/index.ts";

/** One file as `ls` and `stat` show it. */
export interface Item {
  /** As it is shown: a name, or the whole target where it was named on the command line. */
  readonly name: string;
  /** The target written out, usable for another command. */
  readonly target: string;
  readonly path: string;
  /** `d_type` of getdents64(2), 0 where nothing is known. */
  readonly type: number;
  /** Undefined when nobody asked, or when the look at it failed. */
  readonly stat: FileStat | undefined;
  /** A symbolic link's text. */
  readonly link: string | undefined;
  /** Mode of what a symbolic link leads to, 0 when it leads nowhere; undefined when nobody looked. */
  linkMode: number | undefined;
  /** Sum of the sizes at and below it, in bytes, where it was asked for. */
  total: bigint | undefined;
  /** Names by number, as the target itself has them. */
  readonly users: Map<number, string> | undefined;
  readonly groups: Map<number, string> | undefined;
}
