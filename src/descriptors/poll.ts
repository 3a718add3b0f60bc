import { PortholeError } from "../errors.ts";
import { EPOLLIN, EPOLLOUT, O_CLOEXEC } from "./constants.ts";
import { systemError } from "./errno.ts";
import { errno, libc, Memory, type PollHandle, pollHandle } from "./libc.ts";
import { OwnedFd } from "./owned-fd.ts";
import { isReadable } from "./ready.ts";

const Ctl = { add: 1, del: 2, mod: 3 } as const;

/** struct epoll_event: packed on x64 only (epoll_ctl(2)). */
const Event = process.arch === "x64" ? { size: 12, data: 4 } : { size: 16, data: 8 };
/** Maximum number of events in one turn of the event loop; the next turn handles the others. */
const BATCH = 64;

/** A watched descriptor. */
export interface Watch {
  /** Changes the watched events; 0 keeps only ERR and HUP. */
  modify(events: number): void;
  /** Lets the process exit while this watch is open. Idempotent. */
  unref(): void;
  /**
   * Ends the watch. Idempotent. Delivers no event afterwards, not even an event that was already
   * fetched. Call it before closing the descriptor.
   */
  close(): void;
}

/**
 * Readiness of descriptors in Node's event loop, level-triggered unless EPOLLET is set.
 *
 * koffi's poll handle aborts the process for anything that libuv cannot poll. So it gets only this
 * reactor's epoll descriptor; epoll_ctl on that reports refusals as ordinary errors. Events carry a
 * token instead of the descriptor's number, which may be reused before the event is handled.
 */
export class Reactor {
  static #shared: Reactor | undefined;
  static #isExiting = false;
  readonly #epoll: OwnedFd;
  /** Undefined once closed: koffi crashes if another method is called then. */
  #handle: PollHandle | undefined;
  readonly #watches = new Map<number, EpollWatch>();
  readonly #events = new Memory(BATCH * Event.size);
  readonly #argument = new Memory(Event.size);
  /** Watches that keep the process alive. */
  #referenced = 0;
  #nextToken = 1;
  #closed = false;

  static {
    // Node runs the event loop once more after the exit handlers, when no JavaScript may run: koffi
    // would call the handler of an event that is due, and abort. Another exit handler may still use
    // the watches, so the epoll descriptor stays open.
    process.once("exit", () => {
      Reactor.#isExiting = true;
      const shared = Reactor.#shared;
      if (shared !== undefined) shared.#closeHandle();
    });
  }

  /** True once something has waited in the event loop. */
  static get isRunning(): boolean {
    return Reactor.#shared !== undefined;
  }

  /** The reactor of the process. It keeps the process alive only while something is watched. */
  static shared(): Reactor {
    Reactor.#shared ??= new Reactor();
    return Reactor.#shared;
  }

  /**
   * Throws USAGE in a worker thread: koffi 3.3.4 aborts the process when a thread ends with an
   * event due.
   */
  constructor() {
    requireMainThread();
    const epoll = libc.epoll_create1(O_CLOEXEC);
    if (epoll < 0) throw systemError("SESSION", "cannot create an epoll descriptor", errno());
    this.#epoll = OwnedFd.adopt(epoll);
    if (Reactor.#isExiting) return;
    this.#handle = pollHandle(epoll, () => this.#dispatch());
    this.#handle.unref();
  }

  /**
   * Calls `onEvent` with the ready events of `fd` until the watch is closed. An exception of
   * `onEvent` becomes an uncaught exception and does not affect other watches. Throws FILE: EPERM
   * (a regular file or directory: always ready, cannot be polled), EBADF, EEXIST (already watched).
   */
  watch(fd: OwnedFd | number, events: number, onEvent: (events: number) => void): Watch {
    if (this.#closed) throw new PortholeError("SESSION", "the reactor is closed");
    const token = this.#nextToken++;
    this.#control(Ctl.add, typeof fd === "number" ? fd : fd.number, events, token);
    const watch = new EpollWatch(fd, onEvent, {
      modify: (number, wanted) => this.#control(Ctl.mod, number, wanted, token),
      unref: () => this.#unref(),
      remove: (number) => {
        this.#watches.delete(token);
        // An error means that the descriptor was closed too early, which removed the watch as well.
        if (number !== undefined) libc.epoll_ctl(this.#epoll.number, Ctl.del, number, this.#argument.address);
      },
    });
    if (this.#referenced++ === 0) this.#handle?.ref();
    this.#watches.set(token, watch);
    return watch;
  }

  #unref(): void {
    if (--this.#referenced === 0) this.#handle?.unref();
  }

  #closeHandle(): void {
    this.#handle?.close();
    this.#handle = undefined;
  }

  /**
   * Closes the watches, then the handle, then the epoll descriptor; libuv aborts in another order.
   */
  close(): void {
    if (this.#closed) return;
    for (const watch of this.#watches.values()) watch.close();
    this.#closed = true;
    this.#closeHandle();
    this.#epoll.close();
    if (Reactor.#shared === this) Reactor.#shared = undefined;
  }

  /** Called by koffi. It must not throw: koffi's next call of any kind would fail. */
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

/** The methods of a reactor for one watch. */
interface WatchControl {
  modify(fd: number, events: number): void;
  unref(): void;
  remove(fd: number | undefined): void;
}

class EpollWatch implements Watch {
  readonly #fd: OwnedFd | number;
  readonly onEvent: (events: number) => void;
  readonly #reactor: WatchControl;
  #isReferenced = true;
  #closed = false;

  constructor(fd: OwnedFd | number, onEvent: (events: number) => void, reactor: WatchControl) {
    this.#fd = fd;
    this.onEvent = onEvent;
    this.#reactor = reactor;
  }

  modify(events: number): void {
    if (this.#closed) throw new PortholeError("FILE", "the watch is closed");
    this.#reactor.modify(typeof this.#fd === "number" ? this.#fd : this.#fd.number, events);
  }

  unref(): void {
    if (!this.#isReferenced) return;
    this.#isReferenced = false;
    this.#reactor.unref();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.unref();
    // The number of a closed descriptor may be reused already.
    const gone = typeof this.#fd !== "number" && this.#fd.closed;
    this.#reactor.remove(gone ? undefined : typeof this.#fd === "number" ? this.#fd : this.#fd.number);
  }
}

/** A signal, or a function that returns it when something must wait, or clean up at the signal. */
export type LateSignal = AbortSignal | (() => AbortSignal);

export function signalOf(signal: LateSignal | undefined): AbortSignal | undefined {
  return typeof signal === "function" ? signal() : signal;
}

/** Limits of a wait. */
export interface WaitOptions {
  /** Milliseconds; undefined means no limit. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Resolves with the events when `fd` has data, a hang-up or an error. Rejects with CANCELLED, or as
 * {@link Reactor.watch} throws.
 */
export async function readable(fd: OwnedFd, options?: WaitOptions): Promise<number> {
  return (await firstReady([{ fd, events: EPOLLIN }], options)).events;
}

/**
 * Resolves with the events when `fd` is writable or has an error. Rejects like {@link readable}.
 */
export async function writable(fd: OwnedFd | number, options?: WaitOptions): Promise<number> {
  return (await firstReady([{ fd, events: EPOLLOUT }], options)).events;
}

/** A descriptor and its events to wait for; 0 waits only for errors and hang-up. */
export interface Interest {
  fd: OwnedFd | number;
  events: number;
}

/**
 * Resolves with the first descriptor that is ready. All watches are closed when the promise
 * settles.
 */
export function firstReady(interests: readonly Interest[], options: WaitOptions = {}): Promise<Interest> {
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
      for (const { fd, events } of interests)
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
        () =>
          fail(new PortholeError("CANCELLED", `timed out: no event within ${timeoutMs} ms`, { errno: "ETIMEDOUT" })),
        timeoutMs,
      );
  });
}

/**
 * Milliseconds that {@link readableSoon} blocks. Engines and agents of this machine mostly reply
 * within one.
 */
const SOON_MS = 5;

/**
 * Waits for data in poll(2), if nothing in this process has waited before: to make the reactor
 * takes longer than most replies (docs/decisions.md). False if there is no data yet; then wait in
 * the reactor.
 */
export function readableSoon(fd: OwnedFd, timeoutMs = SOON_MS): boolean {
  return !Reactor.isRunning && isMainThread() && isReadable(fd.number, Math.min(timeoutMs, SOON_MS));
}

/**
 * Throws USAGE in a worker thread. Call it before anything is opened: Node closes at a thread's end
 * each number that the thread opened by node:fs, also if it belongs to another thread by then.
 */
export function requireMainThread(): void {
  if (!isMainThread())
    throw new PortholeError("USAGE", "cannot wait for descriptors in a worker thread: use the main thread");
}

/**
 * The main thread's id equals the process id (gettid(2)); node:worker_threads would load streams.
 */
function isMainThread(): boolean {
  return libc.gettid() === process.pid;
}
