import { constants } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { PortholeError } from "../errors.ts";
import { isWritable, writeError, writeFully } from "./copy.ts";
import { Errno, systemError } from "./errno.ts";
import { pipe, setNonBlocking } from "./file.ts";
import { errno, libc, Memory, SystemCall } from "./libc.ts";
import type { OwnedFd } from "./owned-fd.ts";
import { EPOLLIN, EPOLLOUT, firstReady, Reactor, type Wanted } from "./poll.ts";
import { statx } from "./statx.ts";

const READ = 128 * 1024;
const SPLICE = 1024 * 1024;
/** Bytes after which other events of the process get their turn. */
const TURN = 4 * 1024 * 1024;
const SPLICE_F_NONBLOCK = 2;
const RWF_NOWAIT = 8;

/** How to copy a stream. */
export interface PumpOptions {
  signal?: AbortSignal | undefined;
  /** Called after each piece with the bytes copied so far. */
  onProgress?: ((copied: bigint) => void) | undefined;
}

/** What a step of the pump came to: bytes moved, or what to do now. */
type Step = number | "source" | "output" | "end" | "unsupported";

/**
 * Copies what comes out of a source without positions (FIFO, pipe, terminal, socket, character device) to a descriptor until its end, and
 * resolves with the bytes copied. It waits in the reactor: neither an idle source nor, on a pipe, a slow reader holds up the event loop. A FIFO that
 * nobody writes to yet is waited for, as cat(1) does in open; the last writer's close is the end. The source's O_NONBLOCK may be set and
 * is not relied on, for the other side shares that flag: reads use SPLICE_F_NONBLOCK or RWF_NOWAIT where the kernel offers them.
 *
 * Rejects with CANCELLED when `signal` aborts (bytes already read were written), FILE with the errno otherwise: EPIPE as soon
 * as the output's reader is gone, even while the source is idle.
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
  /** Where bytes of a pipe go that cannot be spliced to the output: splice never blocks on it, read could. */
  #detour: [OwnedFd, OwnedFd] | undefined;
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
    // A FIFO without a writer reads as ended: never read before an event says that there is something.
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
    for (const end of this.#detour ?? []) end.close();
  }

  /** From pipe to output without the bytes passing through this process. */
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
    this.#detour ??= pipe();
    const [outlet, inlet] = this.#detour;
    const count = libc.splice(this.#source.number, 0, inlet.number, 0, READ, SPLICE_F_NONBLOCK);
    if (count < 0) return this.#readFailed(errno());
    if (count === 0) return "end";
    // All of it is there, so this cannot block, and nothing but a signal of the process could end it early.
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
    // The next best: the other side could clear the flag again only in the instant between these two calls.
    if (this.#sourcePolls) setNonBlocking(this.#source, true);
    const count = libc.read(this.#source.number, address + 16, READ);
    if (count > 0) return count;
    return count === 0 ? "end" : this.#readFailed(errno());
  }

  #readFailed(error: number): Step {
    if (error === Errno.EINTR) return 0;
    if (error !== Errno.EAGAIN) throw systemError("FILE", "read failed", error);
    // RWF_NOWAIT on something that is always ready but cannot promise it.
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

  /** Waits for the side that is not ready; while the source is idle also for the output's reader to leave. */
  async #wait(side: "source" | "output"): Promise<void> {
    const wanted: Wanted[] = [];
    if (side === "output") wanted.push({ fd: this.#out, events: EPOLLOUT });
    else {
      if (this.#sourcePolls) wanted.push({ fd: this.#source, events: EPOLLIN });
      if (this.#sourcePolls && this.#outPolls && this.#out !== this.#source.number)
        wanted.push({ fd: this.#out, events: 0 });
    }
    if (this.#signal?.aborted || wanted.length > 0) {
      const ready = await firstReady(wanted, { signal: this.#signal });
      // Only ERR or HUP can have come.
      if (side === "source" && ready.fd === this.#out) throw writeError(Errno.EPIPE);
    }
  }
}

/** Regular files, directories and some devices (/dev/zero) are always ready and refuse to be polled. */
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
