import { closeSync, constants, openSync } from "node:fs";
import { seekTo } from "../../descriptors/files/seek.ts";
import { OwnedFd } from "../../descriptors/owned-fd.ts";
import { OpenFile } from "../interface/open-file.ts";

/**
 * Returns a second descriptor of the file with its own offset at 0, for a program that reads at the
 * same time. Reopens the file read-only if this user may, else duplicates the descriptor and seeks
 * to 0. The caller closes it.
 */
export function copyOpenFile(file: OpenFile): OpenFile {
  return new OpenFile(file.path, reopened(file) ?? setBack(file), () => file.stat);
}

/** Reopens only regular files: reopening a device or a FIFO can have side effects. */
function reopened(file: OpenFile): OwnedFd | undefined {
  if (file.kind !== "file" || file.relayed) return undefined;
  let fd: number;
  try {
    fd = openSync(`/proc/self/fd/${file.fd}`, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return undefined;
  }
  try {
    return OwnedFd.adopt(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function setBack(file: OpenFile): OwnedFd {
  const fd = file.descriptor.duplicate();
  if (file.isSeekable) seekTo(fd, 0);
  return fd;
}
