import { statfsSync } from "node:fs";
import {
  BTRFS_SUPER_MAGIC,
  EXT4_SUPER_MAGIC,
  F2FS_SUPER_MAGIC,
  OVERLAYFS_SUPER_MAGIC,
  TMPFS_MAGIC,
  XFS_SUPER_MAGIC,
  ZFS_SUPER_MAGIC,
} from "../constants.ts";

/**
 * True if a file of size 0 is empty: its file system is known to store files. The kernel's own file
 * systems, such as proc and sysfs, return the size 0 for files with content. Do not call it for a
 * file whose file system may not answer: statfs(2) waits for it.
 */
export function storesFiles(fd: number): boolean {
  return STORAGE.has(statfsSync(`/proc/self/fd/${fd}`).type);
}

const STORAGE = new Set([
  BTRFS_SUPER_MAGIC,
  EXT4_SUPER_MAGIC,
  F2FS_SUPER_MAGIC,
  OVERLAYFS_SUPER_MAGIC,
  TMPFS_MAGIC,
  XFS_SUPER_MAGIC,
  ZFS_SUPER_MAGIC,
]);
