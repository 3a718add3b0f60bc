import { constants } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { PortholeError } from "../../errors.ts";
import { EPOLLIN, EPOLLOUT, RWF_NOWAIT, SPLICE_F_NONBLOCK } from "../constants.ts";
import { Errno, systemError, writeError } from "../errno.ts";
import { pipe, setNonBlocking } from "../files/file.ts";
import { statx } from "../files/statx.ts";
import { errno, libc, Memory, SystemCall } from "../libc.ts";
import type { OwnedFd } from "../owned-fd.ts";
import { firstReady, type Interest, Reactor } from "../poll.ts";
import { isWritable } from "../ready.ts";
import { writeFully } from "./copy.ts";

const READ = 128 * 1024;
const SPLICE = 1024 * 1024;
/** Bytes after which the pump yields to the event loop. */
const TURN = 4 * 1024 * 1024;

/** How to copy a stream. */
export interface PumpOptions {
  signal?: AbortSignal | undefined;
  /** Called after each piece with the bytes copied so far. */
  onProgress?: ((copied: bigint) => void) | undefined;
}

/** Result of one step: bytes moved, or the next action. */
type Step = number | "source" | "output" | "end" | "unsupported";

/**
 * Copies a source without positions (FIFO, pipe, terminal, socket, character device) to a
 * descriptor until its end, and resolves with the bytes copied. Waits in the reactor: neither an
 * idle source nor a slow reader of a pipe blocks the event loop. Waits for the first writer of a
 * FIFO, as cat(1) does in open(2), and ends when the last writer closes it. May set the source's
 * O_NONBLOCK but does not rely on it, because other processes share that flag: reads use
 * SPLICE_F_NONBLOCK or RWF_NOWAIT where available.
 *
 * Rejects with CANCELLED when `signal` aborts (after writing all bytes read), otherwise with FILE
 * and the errno. EPIPE comes as soon as the output's reader is gone, even while the source is idle.
 */
export async function pumpToFd(source: OwnedFd, out: number, options: PumpOptions = {}): Promise<bigint> {
  const pump = new Pump(source, out, options);
  try {
    return await pump.run();
  } finally {
    pump.close();
  }
}

class Pump {
  readonly #source: OwnedFd;
  readonly #out: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onProgress: ((copied: bigint) => void) | undefined;
  readonly #fromPipe: boolean;
  readonly #sourcePolls: boolean;
  readonly #outPolls: boolean;
  readonly #memory = new Memory(16 + READ);
  /**
   * Intermediate pipe for a pipe that cannot be spliced to the output. A splice never blocks, but a
   * read could.
   */
  #buffer: [OwnedFd, OwnedFd] | undefined;
  #splices: boolean;
  #nowaitRead = true;
  #nowaitWrite = true;

  constructor(source: OwnedFd, out: number, { signal, onProgress }: PumpOptions) {
    this.#source = source;
    this.#out = out;
    this.#signal = signal;
    this.#onProgress = onProgress;
    this.#fromPipe = (statx(source).mode & constants.S_IFMT) === constants.S_IFIFO;
    this.#splices = this.#fromPipe;
    this.#sourcePolls = canPoll(source);
    this.#outPolls = canPoll(out);
    // struct iovec of preadv2 and pwritev2.
    this.#memory.setPointer(0, this.#memory.address + 16);
  }

  async run(): Promise<bigint> {
    let total = 0n;
    let turn = 0;
    // A FIFO without a writer reads as ended: wait for an event before the first read.
    await this.#wait("source");
    for (;;) {
      const step = this.#splices ? this.#splice() : await this.#copy();
      if (step === "end") return total;
      if (step === "unsupported") this.#splices = false;
      else if (typeof step === "string") {
        await this.#wait(step);
        turn = 0;
      } else {
        total += BigInt(step);
        turn += step;
        this.#onProgress?.(total);
        if (turn >= TURN) {
          await setImmediate();
          if (this.#signal?.aborted) await this.#wait("source");
          turn = 0;
        }
      }
    }
  }

  close(): void {
    for (const end of this.#buffer ?? []) end.close();
  }

  /** Copies from pipe to output within the kernel. */
  #splice(): Step {
    const count = libc.splice(this.#source.number, 0, this.#out, 0, SPLICE, SPLICE_F_NONBLOCK);
    if (count > 0) return count;
    if (count === 0) return "end";
    const error = errno();
    switch (error) {
      case Errno.EINTR:
        return 0;
      case Errno.EAGAIN:
        return isWritable(this.#out) ? "source" : "output";
      case Errno.EPIPE:
      case Errno.ENOSPC:
        throw writeError(error);
      default:
        return "unsupported";
    }
  }

  async #copy(): Promise<Step> {
    const step = this.#fromPipe ? this.#readPipe() : this.#read();
    if (typeof step === "number") await this.#write(step);
    return step;
  }

  #readPipe(): Step {
    this.#buffer ??= pipe();
    const [outlet, inlet] = this.#buffer;
    const count = libc.splice(this.#source.number, 0, inlet.number, 0, READ, SPLICE_F_NONBLOCK);
    if (count < 0) return this.#readFailed(errno());
    if (count === 0) return "end";
    // All bytes are in the pipe, so this cannot block; only a signal can interrupt it.
    let got = 0;
    while (got < count) got += Math.max(0, libc.read(outlet.number, this.#memory.address + 16 + got, count - got));
    return got;
  }

  #read(): Step {
    const { address } = this.#memory;
    if (this.#nowaitRead) {
      this.#memory.view.setUint32(8, READ, true);
      const count = libc.vector2(SystemCall.preadv2, this.#source.number, address, 1, -1, -1, RWF_NOWAIT);
      if (count > 0) return count;
      if (count === 0) return "end";
      const error = errno();
      if (error !== Errno.ENOTSUP && error !== Errno.ENOSYS && error !== Errno.ESPIPE && error !== Errno.EINVAL)
        return this.#readFailed(error);
      this.#nowaitRead = false;
    }
    // The fallback: other processes could clear the flag between these two calls.
    if (this.#sourcePolls) setNonBlocking(this.#source, true);
    const count = libc.read(this.#source.number, address + 16, READ);
    if (count > 0) return count;
    return count === 0 ? "end" : this.#readFailed(errno());
  }

  #readFailed(error: number): Step {
    if (error === Errno.EINTR) return 0;
    if (error !== Errno.EAGAIN) throw systemError("FILE", "read failed", error);
    // The source is always ready but does not support RWF_NOWAIT.
    if (!this.#sourcePolls) this.#nowaitRead = false;
    return this.#sourcePolls ? "source" : 0;
  }

  async #write(length: number): Promise<void> {
    const { address, view } = this.#memory;
    let done = 0;
    while (done < length && this.#nowaitWrite && this.#outPolls) {
      this.#memory.setPointer(0, address + 16 + done);
      view.setUint32(8, length - done, true);
      const count = libc.vector2(SystemCall.pwritev2, this.#out, address, 1, -1, -1, RWF_NOWAIT);
      if (count >= 0) {
        done += count;
        continue;
      }
      const error = errno();
      if (error === Errno.EAGAIN) await this.#wait("output");
      else if (error === Errno.EPIPE) throw writeError(error);
      else if (error !== Errno.EINTR) this.#nowaitWrite = false;
    }
    this.#memory.setPointer(0, address + 16);
    if (done < length) writeFully(this.#out, address + 16 + done, length - done);
  }

  /**
   * Waits for the side that is not ready; with an idle source also for the output's reader to
   * close.
   */
  async #wait(side: "source" | "output"): Promise<void> {
    const interests: Interest[] = [];
    if (side === "output") interests.push({ fd: this.#out, events: EPOLLOUT });
    else {
      if (this.#sourcePolls) interests.push({ fd: this.#source, events: EPOLLIN });
      if (this.#sourcePolls && this.#outPolls && this.#out !== this.#source.number)
        interests.push({ fd: this.#out, events: 0 });
    }
    if (this.#signal?.aborted || interests.length > 0) {
      const ready = await firstReady(interests, { signal: this.#signal });
      // The output is watched only for ERR and HUP.
      if (side === "source" && ready.fd === this.#out) throw writeError(Errno.EPIPE);
    }
  }
}

/**
 * Regular files, directories and some devices (/dev/zero) are always ready and cannot be polled.
 */
function canPoll(fd: OwnedFd | number): boolean {
  try {
    Reactor.shared()
      .watch(fd, 0, () => {})
      .close();
    return true;
  } catch (error) {
    if (error instanceof PortholeError && error.errno === "EPERM") return false;
    throw error;
  }
}
