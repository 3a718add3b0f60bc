import { constants } from "node:fs";
import { systemError } from "./errno.ts";
import { shownPath } from "./file.ts";
import { errno, libc, Memory } from "./libc.ts";
import { OwnedFd } from "./owned-fd.ts";

const O_CLOEXEC = 0o2000000;

/** An inotify instance, non-blocking, close-on-exec. Throws FILE with the errno: EMFILE when the user has as many as he may. The caller closes it. */
export function inotifyInstance(): OwnedFd {
  // IN_CLOEXEC and IN_NONBLOCK are these.
  const fd = libc.inotify_init1(O_CLOEXEC | constants.O_NONBLOCK);
  if (fd < 0) throw systemError("FILE", "cannot make an inotify instance", errno());
  return OwnedFd.adopt(fd);
}

/** inotify_add_watch(2): the watch's number. Throws FILE with the errno: ENOENT, ENOSPC when the user has as many watches as he may. */
export function addInotifyWatch(instance: OwnedFd, path: Buffer, mask: number): number {
  const memory = new Memory(path.length + 1);
  memory.bytes.set(path);
  const watch = libc.inotify_add_watch(instance.number, memory.address, mask);
  if (watch < 0) throw systemError("FILE", `cannot watch ${shownPath(path)}`, errno());
  return watch;
}

/** inotify_rm_watch(2). The kernel may have removed it already, with the file: that is no failure. */
export function removeInotifyWatch(instance: OwnedFd, watch: number): void {
  libc.inotify_rm_watch(instance.number, watch);
}
