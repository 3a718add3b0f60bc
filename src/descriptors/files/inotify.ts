import { constants } from "node:fs";
import { O_CLOEXEC } from "../constants.ts";
import { systemError } from "../errno.ts";
import { errno, libc, Memory } from "../libc.ts";
import { OwnedFd } from "../owned-fd.ts";
import { formatPath } from "./file.ts";

/**
 * A non-blocking, close-on-exec inotify instance. The caller closes it. Throws FILE with the errno:
 * EMFILE at the user's limit of instances.
 */
export function inotifyInstance(): OwnedFd {
  const fd = libc.inotify_init1(O_CLOEXEC | constants.O_NONBLOCK);
  if (fd < 0) throw systemError("FILE", "cannot create an inotify instance", errno());
  return OwnedFd.adopt(fd);
}

/**
 * Adds a watch (inotify_add_watch(2)) and returns its descriptor. Throws FILE with the errno:
 * ENOENT, ENOSPC at the user's limit of watches.
 */
export function addInotifyWatch(instance: OwnedFd, path: Buffer, mask: number): number {
  const memory = new Memory(path.length + 1);
  memory.bytes.set(path);
  const watch = libc.inotify_add_watch(instance.number, memory.address, mask);
  if (watch < 0) throw systemError("FILE", `cannot watch ${formatPath(path)}`, errno());
  return watch;
}

/**
 * inotify_rm_watch(2). Ignores errors: the kernel removes the watch of a deleted file by itself.
 */
export function removeInotifyWatch(instance: OwnedFd, watch: number): void {
  libc.inotify_rm_watch(instance.number, watch);
}
