import { constants } from "node:fs";
import koffi from "koffi";
import { O_CLOEXEC, O_PATH } from "../../src/descriptors/constants.ts";
import { mkfifo, openPath, pipe } from "../../src/descriptors/files/file.ts";
import { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import { socketpair } from "../../src/descriptors/sockets/fd-socket.ts";
import { owned, temporaryDirectory } from "../descriptors/fixtures.ts";

const libc = koffi.load(null);
const memfd = libc.func("int memfd_create(str, uint)");
const inotify = libc.func("int inotify_init1(int)");
const epoll = libc.func("int epoll_create1(int)");
const eventfd = libc.func("int eventfd(uint, int)");
const timerfd = libc.func("int timerfd_create(int, int)");
const system = libc.func("int64_t syscall(long, long, long, long)");

const SYS_PIDFD_OPEN = 434;
const SYS_USERFAULTFD = process.arch === "x64" ? 323 : 282;

/**
 * Descriptors of every kind, for sending instead of the expected one. They are closed after the
 * test.
 */
export const kinds: Record<string, () => OwnedFd> = {
  "a directory": () => openPath(temporaryDirectory(), constants.O_RDONLY | constants.O_DIRECTORY),
  "a FIFO": () => fifo(),
  "a pipe's writing end": () => {
    const [reading, writing] = pipe();
    owned(reading);
    return writing;
  },
  "a socket": () => {
    const [one, other] = socketpair();
    owned(other);
    return one;
  },
  "an epoll descriptor": () => made(epoll(O_CLOEXEC)),
  "an inotify instance": () => made(inotify(O_CLOEXEC | constants.O_NONBLOCK)),
  "an event counter": () => made(eventfd(0, O_CLOEXEC)),
  "a timer": () => made(timerfd(1, O_CLOEXEC)),
  "a memfd": () => made(memfd("x", 1)),
  "a pidfd": () => made(Number(system(SYS_PIDFD_OPEN, process.pid, 0, 0))),
  "a userfaultfd": () => made(Number(system(SYS_USERFAULTFD, O_CLOEXEC | 1, 0, 0))),
  "a path only": () => openPath("/etc/hostname", O_PATH),
  "/dev/zero": () => openPath("/dev/zero", constants.O_RDONLY),
  "a terminal": () => openPath("/dev/ptmx", constants.O_RDWR | constants.O_NOCTTY),
  "another file": () => openPath("/proc/self/exe", constants.O_RDONLY),
  "a file of /proc": () => openPath("/proc/self/status", constants.O_RDONLY),
};

function made(fd: number): OwnedFd {
  if (fd < 0) throw new Error(`no such descriptor here: errno ${koffi.errno()}`);
  return OwnedFd.adopt(fd);
}

function fifo(): OwnedFd {
  const path = `${temporaryDirectory()}/fifo`;
  mkfifo(path);
  // Open it for reading and writing, so that it is neither at its end nor readable.
  return openPath(path, constants.O_RDWR | constants.O_NONBLOCK);
}

/** Makes an inotify instance without watches. */
export function honestInotify(): OwnedFd {
  return owned(made(inotify(O_CLOEXEC | constants.O_NONBLOCK)));
}
