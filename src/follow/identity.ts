import type { FileStat } from "../protocol/file-stat.ts";
import type { Identity } from "./machine.ts";

/** The identity of a stat. */
export function identityOf(stat: FileStat): Identity {
  return { device: stat.device.major * 2 ** 20 + stat.device.minor, inode: stat.inode, born: stat.btime };
}
