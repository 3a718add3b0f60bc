import type { MappingRecord } from "../protocol/records.ts";

/** A deleted file that a process has mapped into its memory (mmap(2)) and has no descriptor for. */
export interface MappedFile {
  /** Path that it had, as the process sees it. */
  path: string;
  /** `read and write` where the process may write into the file through its memory. */
  access: "read" | "read and write";
  /**
   * Bytes from the file's start to the end of its last mapping, in whole pages. The kernel tells neither the file's size nor
   * how many names it has left without a descriptor, so this is what deleting it may be holding back.
   */
  bytes: bigint;
  /** As /proc/PID/maps tells it: not always what statx(2) does, on overlayfs and btrfs. */
  device: { major: number; minor: number };
  inode: bigint;
}

/** As much of an open file as tells whether a mapping is of the same one. */
interface OpenedFile {
  path: string;
  facts: { inode: bigint };
}

/** The mark that the kernel puts behind a path that leads nowhere any more. */
export const DELETED = " (deleted)";

/**
 * Joins a mapping to those of its process: one entry for each file, none for a file that a descriptor shows already.
 * Devices are not compared, for overlayfs and btrfs tell two of them for one file.
 */
export function addMapping(mapped: MappedFile[], mapping: MappedFile, files: readonly OpenedFile[]): void {
  const { path, inode, bytes, access } = mapping;
  if (files.some((file) => file.path === path && file.facts.inode === inode)) return;
  const same = mapped.find((one) => one.path === path && one.inode === inode);
  if (same === undefined) {
    mapped.push(mapping);
    return;
  }
  if (bytes > same.bytes) same.bytes = bytes;
  if (access !== "read") same.access = access;
}

/** Reads a record; `path` is the link as the process sees it, with the mark. */
export function describeMapping({ access, bytes, device, inode }: MappingRecord, path: string): MappedFile {
  return {
    path: path.slice(0, -DELETED.length),
    access: access === 0 ? "read" : "read and write",
    bytes,
    device,
    inode,
  };
}

/**
 * True for memory that the kernel keeps as a file of a file system of its own, and marks as deleted from the start:
 * memfd_create(2), System V shared memory, shared anonymous memory, huge pages, the rings of io_setup(2), graphics
 * buffers. `mounted` has the devices of the target's mounts: a file on one of these had its name itself.
 */
export function isKernelMemory(
  path: string,
  { major, minor }: { major: number; minor: number },
  mounted: ReadonlySet<string>,
): boolean {
  return major === 0 && KERNEL_MEMORY.test(path) && !mounted.has(`${major}:${minor}`);
}

const KERNEL_MEMORY =
  /^\/(?:memfd:.*|SYSV[0-9a-f]{8}|dev\/zero|anon_hugepage|\[aio\]|drm mm object|i915) \(deleted\)$/s;
