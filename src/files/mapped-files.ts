import type { MappingRecord } from "../protocol/records.ts";

/** A deleted file that a process maps into memory (mmap(2)) without a descriptor. */
export interface MappedFile {
  /** Its former path, as the process sees it. */
  path: string;
  /** `read and write` if the process can write into the file through memory. */
  access: "read" | "read and write";
  /**
   * From the start of the file to the end of its last mapping, in whole pages. Without a descriptor
   * the kernel reports neither the file's size nor its remaining links, so this is an upper bound
   * of what deletion would free.
   */
  bytes: bigint;
  /** Device from /proc/PID/maps. On overlayfs and btrfs it can differ from statx(2). */
  device: { major: number; minor: number };
  inode: bigint;
}

/** The part of an open file that identifies a mapping of it. */
interface OpenedFile {
  path: string;
  stat: { inode: bigint };
}

/** The kernel's suffix for the path of a deleted file. */
export const DELETED = " (deleted)";

/**
 * Merges a mapping into those of its process. Keeps one entry for each file, and no entry for a
 * file that has a descriptor. Ignores devices, because overlayfs and btrfs report two for one file.
 */
export function addMapping(mapped: MappedFile[], mapping: MappedFile, files: readonly OpenedFile[]): void {
  const { path, inode, bytes, access } = mapping;
  if (files.some((file) => file.path === path && file.stat.inode === inode)) return;
  const same = mapped.find((one) => one.path === path && one.inode === inode);
  if (same === undefined) {
    mapped.push(mapping);
    return;
  }
  if (bytes > same.bytes) same.bytes = bytes;
  if (access !== "read") same.access = access;
}

/** Converts a record; `path` is the link as the process sees it, with the kernel's suffix. */
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
 * True for kernel memory that appears as a deleted file: memfd_create(2), System V shared memory,
 * shared anonymous memory, huge pages, the rings of io_setup(2), graphics buffers. `mounted` has
 * the devices of the target's mounts; a file on such a device is a real file.
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
