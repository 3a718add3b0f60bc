import { constants, lstatSync, opendirSync, readlinkSync, statSync } from "node:fs";
import { O_CLOEXEC, O_PATH } from "../../descriptors/constants.ts";
import { formatPath, openPath } from "../../descriptors/files/file.ts";
import { type Statx, statx } from "../../descriptors/files/statx.ts";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import type { FileStat } from "../../protocol/file-stat.ts";
import { withFileErrors } from "../interface/file-errors.ts";

/**
 * Opens a file of this machine with the flags that an agent uses. The caller owns the descriptor.
 * @throws PortholeError FILE with the kernel's errno
 */
export function openLocal(
  path: Buffer,
  options: { write?: boolean | undefined; noFollow?: boolean | undefined },
): { fd: OwnedFd; stat: FileStat } {
  const access = options.write ? constants.O_RDWR : constants.O_RDONLY;
  const follow = options.noFollow ? constants.O_NOFOLLOW : 0;
  const fd = openPath(path, access | follow | constants.O_NOCTTY | constants.O_NONBLOCK | O_CLOEXEC);
  return { fd, stat: statOf(statx(fd)) };
}

/**
 * Calls statx(2) on a path of this machine, and includes its mount id. Does not open the file for
 * reading.
 * @throws PortholeError FILE with the errno
 */
export function statxLocal(path: Buffer, options: { noFollow?: boolean | undefined }): FileStat {
  using fd = openPath(path, O_PATH | (options.noFollow ? constants.O_NOFOLLOW : 0));
  return statOf(statx(fd));
}

/**
 * Like {@link statxLocal} in half the time, without the mount id (0).
 * @throws PortholeError FILE with the errno
 */
export function statLocal(path: Buffer, options: { noFollow?: boolean | undefined }): FileStat {
  return withFileErrors(formatPath(path), () => {
    const stat = (options.noFollow ? lstatSync : statSync)(path, { bigint: true });
    return {
      mode: Number(stat.mode),
      links: Number(stat.nlink),
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      size: stat.size,
      blocks: stat.blocks,
      inode: stat.ino,
      device: splitDevice(stat.dev),
      rdev: splitDevice(stat.rdev),
      mountId: 0n,
      atime: stat.atimeNs,
      mtime: stat.mtimeNs,
      ctime: stat.ctimeNs,
      btime: stat.birthtimeNs,
      relayed: false,
    };
  });
}

/** Target of a symbolic link, as bytes. */
export function readlinkLocal(path: Buffer): Buffer {
  return withFileErrors(formatPath(path), () => readlinkSync(path, { encoding: "buffer" }));
}

/**
 * Names in a directory with `d_type` as in getdents64(2), without `.` and `..`. Read lazily: a
 * directory may have millions.
 * @throws PortholeError FILE with the errno
 */
export function* listLocal(path: Buffer): Generator<{ name: Buffer; type: number }> {
  const shown = formatPath(path);
  const directory = withFileErrors(shown, () => opendirSync(path, { encoding: NAMES_AS_BYTES, bufferSize: 256 }));
  try {
    for (;;) {
      const entry = withFileErrors(shown, () => directory.readSync());
      if (entry === null) return;
      yield { name: entry.name as unknown as Buffer, type: types.find(([is]) => entry[is]())?.[1] ?? 0 };
    }
  } finally {
    directory.closeSync();
  }
}

/** Node's types allow only strings for this option; its documentation allows buffers. */
const NAMES_AS_BYTES = "buffer" as BufferEncoding;

const types = [
  ["isFile", 8],
  ["isDirectory", 4],
  ["isSymbolicLink", 10],
  ["isFIFO", 1],
  ["isCharacterDevice", 2],
  ["isBlockDevice", 6],
  ["isSocket", 12],
] as const;

/** Converts a result of statx(2). */
export function statOf(stat: Statx): FileStat {
  return {
    mode: stat.mode,
    links: stat.nlink,
    uid: stat.uid,
    gid: stat.gid,
    size: stat.size,
    blocks: stat.blocks,
    inode: stat.ino,
    device: { major: stat.devMajor, minor: stat.devMinor },
    rdev: { major: stat.rdevMajor, minor: stat.rdevMinor },
    mountId: stat.mountId ?? 0n,
    atime: stat.atime,
    mtime: stat.mtime,
    ctime: stat.ctime,
    btime: stat.btime,
    relayed: false,
  };
}

/** Reverses makedev(3). */
function splitDevice(device: bigint): { major: number; minor: number } {
  return {
    major: Number(((device >> 32n) & 0xffff_f000n) | ((device >> 8n) & 0xfffn)),
    minor: Number(((device >> 12n) & 0xffff_ff00n) | (device & 0xffn)),
  };
}
