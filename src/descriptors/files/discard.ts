import { constants } from "node:fs";
import { CLONE_FILES, SIG_BLOCK, SIG_SETMASK } from "../constants.ts";
import { libc, Memory } from "../libc.ts";
import type { OwnedFd } from "../owned-fd.ts";
import { servedBy } from "./file-system.ts";
import { identify } from "./statx.ts";

/**
 * Disposes of an untrusted, unwanted descriptor. close(2) of a file on FUSE waits for its server's
 * answer to FLUSH, even after SIGKILL. So does the end of the process. Such a file stays open
 * instead.
 */
export function discard(fd: OwnedFd): void {
  if (fd.closed) return;
  if (mayHang(fd)) keepOpen(fd);
  else fd.close();
}

function mayHang(fd: OwnedFd): boolean {
  try {
    const found = identify(fd);
    return (found.mode & constants.S_IFMT) === constants.S_IFREG && servedBy(fd, found) !== "kernel";
  } catch {
    return false; // statx(2) failed
  }
}

/** Lifetime of a keeper process. Its successor starts earlier. */
const KEEPER_S = 600;
const RENEWAL_MS = 240_000;

const kept: number[] = [];

/**
 * Keeps `fd` open until this process and its keeper have ended. A keeper process shares this
 * process's descriptor table (clone(2), CLONE_FILES), sleeps and outlives it, also when a signal
 * kills it. So the end of this process closes nothing, and the keeper waits for the silent server.
 * A program that this process starts later closes its copy before it runs. That close(2) hangs,
 * which cannot be prevented.
 */
function keepOpen(fd: OwnedFd): void {
  kept.push(fd.take());
  if (kept.length > 1) return;
  startKeeper();
  setInterval(startKeeper, RENEWAL_MS).unref();
  process.on("exit", (status) => {
    releaseDescriptors();
    libc._exit(status);
  });
}

/**
 * Call this if the process ends in another way than by exit. Otherwise readers of its output see no
 * end of file, because the keeper shares the descriptors. Closes only the standard descriptors:
 * another number may belong to a descriptor that has just arrived.
 */
export function releaseDescriptors(): void {
  if (kept.length === 0) return;
  for (const standard of [0, 1, 2]) libc.close(standard);
}

const STACK = 64 * 1024;
/** Bytes of a sigset_t; the kernel uses eight. */
const SIGNALS = 128;

/**
 * Runs sleep(3) on its own stack in a copy of this process's memory, without any code of Node.
 * Terminal and job signals must not end it early.
 */
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
