import { SEEK_DATA, SEEK_HOLE, SEEK_SET } from "../constants.ts";
import { Errno, systemError } from "../errno.ts";
import { errno, libc } from "../libc.ts";
import type { OwnedFd } from "../owned-fd.ts";

/**
 * The offset of the first byte of data at or after `offset` (lseek(2), SEEK_DATA). Returns `offset`
 * itself if the file system does not track holes. Returns undefined if no data follows. Moves the
 * file offset, which all descriptors of the same open share. So do not use it on descriptors from
 * pidfd_getfd, or while other code reads without positions. Throws FILE with the errno: ESPIPE
 * without positions.
 */
export function seekData(fd: OwnedFd | number, offset: number): number | undefined {
  const found = libc.lseek(typeof fd === "number" ? fd : fd.number, offset, SEEK_DATA);
  if (found >= 0) return Number(found);
  const error = errno();
  if (error === Errno.ENXIO) return undefined;
  // The file system or device does not track holes.
  if (error === Errno.EINVAL) return offset;
  throw systemError("FILE", "cannot seek", error);
}

/**
 * The offset of the first hole at or after `offset` (lseek(2), SEEK_HOLE); end of file counts as
 * one. Undefined if holes are not tracked. Moves the file offset as {@link seekData} does. Throws
 * FILE with the errno.
 */
export function seekHole(fd: OwnedFd | number, offset: number): number | undefined {
  const found = libc.lseek(typeof fd === "number" ? fd : fd.number, offset, SEEK_HOLE);
  if (found >= 0) return Number(found);
  const error = errno();
  if (error === Errno.EINVAL || error === Errno.ENXIO) return undefined;
  throw systemError("FILE", "cannot seek", error);
}

/**
 * Sets the file offset, which all descriptors of the same open share; false without positions
 * (ESPIPE).
 */
export function seekTo(fd: OwnedFd | number, offset: number): boolean {
  if (libc.lseek(typeof fd === "number" ? fd : fd.number, offset, SEEK_SET) >= 0) return true;
  const error = errno();
  if (error === Errno.ESPIPE) return false;
  throw systemError("FILE", "cannot seek", error);
}
