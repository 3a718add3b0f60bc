import { constants } from "node:fs";
import { whoAnswers } from "./file-system.ts";
import { libc, Memory } from "./libc.ts";
import type { OwnedFd } from "./owned-fd.ts";
import { identify } from "./statx.ts";

/**
 * Gets rid of a descriptor that came from a stranger and is not what was wanted. close(2) of a file on FUSE waits for its server's answer to FLUSH, beyond
 * SIGKILL, and so does the end of the process: such a file is put aside instead, untouched.
 */
export function discard(fd: OwnedFd): void {
  if (fd.closed) return;
  if (mayHang(fd)) putAside(fd);
  else fd.close();
}

function mayHang(fd: OwnedFd): boolean {
  try {
    const found = identify(fd);
    return (found.mode & constants.S_IFMT) === constants.S_IFREG && whoAnswers(fd, found) !== "kernel";
  } catch {
    return false; // not even statx(2) knows it
  }
}

/** Seconds that a keeper lives, and after which it has a successor. */
const KEEPER_S = 600;
const RENEWAL_MS = 240_000;

const aside: number[] = [];

/**
 * Keeps `fd` open for good. A keeper, a child that shares this process's table of descriptors (clone(2), CLONE_FILES) and sleeps, outlives it: then the
 * end of this process closes nothing, and the wait for the silent server is the keeper's. Kills by signal are survived as well.
 * A program that this process starts later closes its copy before it runs, and hangs there: nothing helps against that.
 */
function putAside(fd: OwnedFd): void {
  aside.push(fd.take());
  if (aside.length > 1) return;
  startKeeper();
  setInterval(startKeeper, RENEWAL_MS).unref();
  process.on("exit", (status) => {
    releaseDescriptors();
    libc._exit(status);
  });
}

/**
 * Before this process ends in another way than by exit: readers of its output must see the end of it, though the keeper shares the descriptors. Only
 * the standard ones are closed, for among the others may be one that has just come.
 */
export function releaseDescriptors(): void {
  if (aside.length === 0) return;
  for (const standard of [0, 1, 2]) libc.close(standard);
}

const CLONE_FILES = 0x400;
const SIG_BLOCK = 0;
const SIG_SETMASK = 2;
const STACK = 64 * 1024;
/** Bytes of a sigset_t, of which the kernel uses eight. */
const SIGNALS = 128;

/** sleep(3) runs on a stack of its own in a copy of this process's memory; no code of Node runs there. Terminal and job signals must not end it early. */
function startKeeper(): void {
  const memory = new Memory(STACK + 2 * SIGNALS);
  const all = memory.address + STACK;
  const before = all + SIGNALS;
  memory.bytes.fill(0xff, STACK, STACK + SIGNALS);
  const sleep = libc.dlsym(0, "sleep");
  const top = Math.floor((memory.address + STACK - 128) / 16) * 16;
  libc.pthread_sigmask(SIG_BLOCK, all, before);
  libc.clone(sleep, top, CLONE_FILES, KEEPER_S);
  libc.pthread_sigmask(SIG_SETMASK, before, 0);
}
