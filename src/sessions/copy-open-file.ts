import { closeSync, constants, openSync } from "node:fs";
import { OwnedFd } from "../descriptors/owned-fd.ts";
import { seekTo } from "../descriptors/seek.ts";
import { OpenFile } from "./open-file.ts";

/**
 * The same file once more, with an offset of its own at its beginning, for a program to read while this one goes on: opened anew where this user
 * may (read-only), else a second descriptor of the same opening, set back. The caller closes it.
 */
export function copyOpenFile(file: OpenFile): OpenFile {
  return new OpenFile(file.path, reopened(file) ?? setBack(file), () => file.stat);
}

/** Only regular files: opening a device or a FIFO again may do something to it. */
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
