import { writeSync } from "node:fs";
import { PortholeError } from "../../errors.ts";
import { EPOLLOUT, F_DUPFD_CLOEXEC, RWF_NOWAIT } from "../constants.ts";
import { Errno, writeError } from "../errno.ts";
import { errno, libc, Memory, SystemCall } from "../libc.ts";
import { Reactor, type Watch, writable } from "../poll.ts";

const CAPACITY = 64 * 1024;
/**
 * Bytes that a pipe takes without blocking when poll(2) reports it writable (pipe(7), PIPE_BUF).
 */
const PIPE_BUF = 4096;

/**
 * Ordered writes to a descriptor. A slow reader never blocks the event loop. O_NONBLOCK is not
 * changed, because other processes share it. Await each write before the next. The caller keeps the
 * descriptor.
 */
export class Output {
  readonly #fd: number;
  readonly #memory = new Memory(16 + CAPACITY);
  #nowait = true;
  #polls: boolean | undefined;

  constructor(fd: number) {
    this.#fd = fd;
    // struct iovec of pwritev2(2).
    this.#memory.setPointer(0, this.#memory.address + 16);
  }

  /**
   * Resolves when everything is written. Rejects with FILE and the errno: EPIPE when the reader is
   * gone.
   */
  async write(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length; ) at += await this.#writeSome(data.subarray(at, at + CAPACITY));
  }

  /**
   * Calls back once when the reader of a pipe or socket closes it, even if nothing is being
   * written. The watch keeps the process alive.
   */
  onReaderGone(callback: () => void): Watch | undefined {
    try {
      const watch = Reactor.shared().watch(this.#fd, 0, () => {
        watch.close();
        callback();
      });
      return watch;
    } catch (error) {
      if (error instanceof PortholeError) return undefined; // EPERM: a file has no reader
      throw error;
    }
  }

  async #writeSome(data: Uint8Array): Promise<number> {
    if (this.#nowait) {
      this.#memory.bytes.set(data, 16);
      this.#memory.setPointer(8, data.length);
      const count = libc.vector2(SystemCall.pwritev2, this.#fd, this.#memory.address, 1, -1, -1, RWF_NOWAIT);
      if (count >= 0) return count;
      const error = errno();
      if (error === Errno.EPIPE) throw writeError(error);
      if (error === Errno.EINTR) return 0;
      if (error === Errno.EAGAIN && this.#canPoll()) {
        await this.#writable();
        return 0;
      }
      this.#nowait = false;
    }
    // A terminal or a file: no RWF_NOWAIT support, but no unbounded wait for a reader either.
    if (this.#canPoll()) await this.#writable();
    try {
      return writeSync(this.#fd, data, 0, Math.min(data.length, this.#canPoll() ? PIPE_BUF : data.length));
    } catch (error) {
      const { code, errno: number } = error as NodeJS.ErrnoException;
      if (code === "EAGAIN") return 0;
      throw writeError(-(number ?? 0));
    }
  }

  async #writable(): Promise<void> {
    // epoll accepts a descriptor only once. If it is already watched, wait for a duplicate.
    try {
      await writable(this.#fd);
    } catch (error) {
      if (!(error instanceof PortholeError) || error.errno !== "EEXIST") throw error;
      const copy = duplicate(this.#fd);
      try {
        await writable(copy);
      } finally {
        libc.close(copy);
      }
    }
  }

  #canPoll(): boolean {
    if (this.#polls === undefined) {
      try {
        Reactor.shared()
          .watch(this.#fd, EPOLLOUT, () => {})
          .close();
        this.#polls = true;
      } catch (error) {
        this.#polls = error instanceof PortholeError && error.errno === "EEXIST";
      }
    }
    return this.#polls;
  }
}

function duplicate(fd: number): number {
  const copy = libc.fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) throw writeError(errno());
  return copy;
}
