import { PortholeError } from "../errors.ts";
import { systemError } from "./errno.ts";
import { errno, libc, Memory, type PollHandle, pollHandle } from "./libc.ts";
import { OwnedFd } from "./owned-fd.ts";

/** Events of epoll_ctl(2). ERR and HUP are always reported. */
export const EPOLLIN = 0x001;
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
export const EPOLLET = 0x8000_0000;

const EPOLL_CLOEXEC = 0o2000000;
const Ctl = { add: 1, del: 2, mod: 3 } as const;

/** struct epoll_event: packed on x64 only (epoll_ctl(2)). */
const Event = process.arch === "x64" ? { size: 12, data: 4 } : { size: 16, data: 8 };
/** Events taken per turn of the event loop; what remains is reported again in the next one. */
const BATCH = 64;

/** One descriptor under observation. */
export interface Watch {
  /** Observes other events from now on; 0 pauses all but ERR and HUP. */
  modify(events: number): void;
  /** Ends it; no event is delivered afterwards, even one already fetched. Call it before closing the descriptor. Idempotent. */
  close(): void;
}

/**
 * Readiness of descriptors in Node's event loop, level-triggered unless EPOLLET is asked for.
 *
 * koffi's poll handle aborts the process for anything libuv cannot poll, so it sees only this reactor's private epoll descriptor, once;
 * everything else is put in there with epoll_ctl, whose refusals are ordinary errors. Events carry a token of their own, not the
 * descriptor's number, which may be another file's by the time the event is handled.
 */
export class Reactor {
  static #shared: Reactor | undefined;
  readonly #epoll: OwnedFd;
  readonly #handle: PollHandle;
  readonly #watches = new Map<number, EpollWatch>();
  readonly #events = new Memory(BATCH * Event.size);
  readonly #argument = new Memory(Event.size);
  #nextToken = 1;
  #closed = false;

  /** The one reactor of the process. It keeps the process alive exactly while something is watched. */
  static shared(): Reactor {
    Reactor.#shared ??= new Reactor();
    return Reactor.#shared;
  }

  /** Throws USAGE in a worker thread: koffi's handle aborts the whole process when one ends while an event is due (3.3.4). */
  constructor() {
    // The main thread's id is the process's (gettid(2)); node:worker_threads would load streams to say the same.
    if (libc.gettid() !== process.pid)
      throw new PortholeError("USAGE", "descriptors can be waited for in the main thread only");
    const epoll = libc.epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) throw systemError("SESSION", "cannot create an epoll descriptor", errno());
    this.#epoll = OwnedFd.adopt(epoll);
    this.#handle = pollHandle(epoll, () => this.#dispatch());
    this.#handle.unref();
  }

  /**
   * Calls `onEvent` with the events that `fd` has, until the watch is closed. What it throws becomes an uncaught exception; the
   * others are served all the same. Throws FILE: EPERM (a regular file or directory: always ready, cannot be polled), EBADF, EEXIST (watched already).
   */
  watch(fd: OwnedFd | number, events: number, onEvent: (events: number) => void): Watch {
    if (this.#closed) throw new PortholeError("SESSION", "the reactor is closed");
    const token = this.#nextToken++;
    this.#control(Ctl.add, typeof fd === "number" ? fd : fd.number, events, token);
    const watch = new EpollWatch(fd, onEvent, {
      modify: (number, wanted) => this.#control(Ctl.mod, number, wanted, token),
      remove: (number) => {
        this.#watches.delete(token);
        if (this.#watches.size === 0 && !this.#closed) this.#handle.unref();
        // An error here means that the descriptor was closed too early, which removed it as well.
        if (number !== undefined) libc.epoll_ctl(this.#epoll.number, Ctl.del, number, this.#argument.address);
      },
    });
    if (this.#watches.size === 0) this.#handle.ref();
    this.#watches.set(token, watch);
    return watch;
  }

  /** Ends every watch, then the handle, then the epoll descriptor: in another order libuv aborts. */
  close(): void {
    if (this.#closed) return;
    for (const watch of this.#watches.values()) watch.close();
    this.#closed = true;
    this.#handle.close();
    this.#epoll.close();
    if (Reactor.#shared === this) Reactor.#shared = undefined;
  }

  /** Called by koffi: it must not throw, or koffi's next call of any kind fails. */
  #dispatch(): void {
    const { view } = this.#events;
    const count = libc.epoll_wait(this.#epoll.number, this.#events.address, BATCH, 0);
    for (let at = 0; at < count * Event.size; at += Event.size) {
      const token = view.getUint32(at + Event.data, true) + view.getUint32(at + Event.data + 4, true) * 0x1_0000_0000;
      const watch = this.#watches.get(token);
      if (watch === undefined) continue; // closed by a callback of this batch
      try {
        watch.onEvent(view.getUint32(at, true));
      } catch (error) {
        process.nextTick(() => {
          throw error;
        });
      }
    }
  }

  #control(operation: number, fd: number, events: number, token: number): void {
    this.#argument.view.setUint32(0, events >>> 0, true);
    this.#argument.setPointer(Event.data, token);
    if (libc.epoll_ctl(this.#epoll.number, operation, fd, this.#argument.address) === 0) return;
    const error = errno();
    throw systemError("FILE", `cannot wait for descriptor ${fd}`, error);
  }
}

class EpollWatch implements Watch {
  readonly #fd: OwnedFd | number;
  readonly onEvent: (events: number) => void;
  readonly #reactor: { modify(fd: number, events: number): void; remove(fd: number | undefined): void };
  #closed = false;

  constructor(
    fd: OwnedFd | number,
    onEvent: (events: number) => void,
    reactor: { modify(fd: number, events: number): void; remove(fd: number | undefined): void },
  ) {
    this.#fd = fd;
    this.onEvent = onEvent;
    this.#reactor = reactor;
  }

  modify(events: number): void {
    if (this.#closed) throw new PortholeError("FILE", "the watch is closed");
    this.#reactor.modify(typeof this.#fd === "number" ? this.#fd : this.#fd.number, events);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // The number of a closed descriptor may be another file's by now.
    const gone = typeof this.#fd !== "number" && this.#fd.closed;
    this.#reactor.remove(gone ? undefined : typeof this.#fd === "number" ? this.#fd : this.#fd.number);
  }
}

/** How long to wait. */
export interface WaitOptions {
  /** Milliseconds; without it, as long as it takes. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** Resolves with the events once `fd` has data, its other side hung up, or it has an error. Rejects with CANCELLED, or as {@link Reactor.watch} throws. */
export async function readable(fd: OwnedFd, options?: WaitOptions): Promise<number> {
  return (await firstReady([{ fd, events: EPOLLIN }], options)).events;
}

/** Resolves with the events once `fd` takes data or has an error. Rejects as {@link readable}. */
export async function writable(fd: OwnedFd | number, options?: WaitOptions): Promise<number> {
  return (await firstReady([{ fd, events: EPOLLOUT }], options)).events;
}

/** A descriptor and the events to wait for; 0 waits for errors and hang-up only. */
export interface Wanted {
  fd: OwnedFd | number;
  events: number;
}

/** Resolves with the first of several descriptors that has its events. Nothing is watched any more when the promise settles. */
export function firstReady(wanted: readonly Wanted[], options: WaitOptions = {}): Promise<Wanted> {
  const { timeoutMs, signal } = options;
  return new Promise((resolve, reject) => {
    const watches: Watch[] = [];
    let timer: NodeJS.Timeout | undefined;
    const stop = (): void => {
      for (const watch of watches) watch.close();
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
    const fail = (error: unknown): void => {
      stop();
      reject(error);
    };
    const onAbort = (): void =>
      fail(new PortholeError("CANCELLED", "the wait was cancelled", { errno: "ECANCELED", cause: signal?.reason }));

    if (signal?.aborted) return onAbort();
    try {
      for (const { fd, events } of wanted)
        watches.push(
          Reactor.shared().watch(fd, events, (seen) => {
            stop();
            resolve({ fd, events: seen });
          }),
        );
    } catch (error) {
      return fail(error);
    }
    signal?.addEventListener("abort", onAbort);
    if (timeoutMs !== undefined)
      timer = setTimeout(
        () => fail(new PortholeError("CANCELLED", `nothing came within ${timeoutMs} ms`, { errno: "ETIMEDOUT" })),
        timeoutMs,
      );
  });
}
