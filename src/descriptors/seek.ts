import { Errno, systemError } from "./errno.ts";
import { errno, libc } from "./libc.ts";
import type { OwnedFd } from "./owned-fd.ts";

const SEEK_SET = 0;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/**
 * The offset of the first byte at or after `offset` that is not in a hole (lseek(2), SEEK_DATA): `offset` itself where the file system keeps no
 * account of holes; undefined when nothing but a hole, or nothing at all, follows. Moves the file offset of the open file, which
 * everybody shares who holds a descriptor of the same open: not for descriptors taken from another process (pidfd_getfd), and
 * not while somebody reads without positions. Throws FILE with the errno: ESPIPE for what has no positions.
 */
export function seekData(fd: OwnedFd | number, offset: number): number | undefined {
  const found = libc.lseek(typeof fd === "number" ? fd : fd.number, offset, SEEK_DATA);
  if (found >= 0) return Number(found);
  const error = errno();
  if (error === Errno.ENXIO) return undefined;
  // A file system or device that knows nothing of holes.
  if (error === Errno.EINVAL) return offset;
  throw systemError("FILE", "cannot seek", error);
}

/**
 * The offset of the first hole at or after `offset`, the end of the file being one (lseek(2), SEEK_HOLE); undefined where there
 * is no account of holes. Moves the file offset as {@link seekData} does. Throws FILE with the errno.
 */
export function seekHole(fd: OwnedFd | number, offset: number): number | undefined {
  const found = libc.lseek(typeof fd === "number" ? fd : fd.number, offset, SEEK_HOLE);
  if (found >= 0) return Number(found);
  const error = errno();
  if (error === Errno.EINVAL || error === Errno.ENXIO) return undefined;
  throw systemError("FILE", "cannot seek", error);
}

/** Sets the file offset of the open file, which everybody shares who holds a descriptor of it; false for what has no positions (ESPIPE). */
export function seekTo(fd: OwnedFd | number, offset: number): boolean {
  if (libc.lseek(typeof fd === "number" ? fd : fd.number, offset, SEEK_SET) >= 0) return true;
  const error = errno();
  if (error === Errno.ESPIPE) return false;
  throw systemError("FILE", "cannot seek", error);
}
