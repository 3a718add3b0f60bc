import { tryRead } from "../../descriptors/bytes/try-read.ts";
import { EPOLLIN, IN_Q_OVERFLOW } from "../../descriptors/constants.ts";
import { decodeInotify, type InotifyEvent } from "../../descriptors/files/inotify-event.ts";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import { Reactor, type Watch } from "../../descriptors/poll.ts";

/** Bytes of events that are read in one turn. */
const BUFFER = 16 * 1024;

/**
 * Maximum number of turns of one {@link InotifyListeners.readQueued}. They read more than the queue
 * of the kernel holds (16,384 events by default).
 */
const MAX_TURNS = 128;

type Listener = (event: InotifyEvent) => void;

/** Reads one inotify descriptor and passes each event to the listeners of its watch. */
export class InotifyListeners {
  readonly #listeners = new Map<number, Set<Listener>>();
  #descriptor: OwnedFd | undefined;
  #watch: Watch | undefined;
  readonly #buffer = Buffer.allocUnsafe(BUFFER);

  /** The descriptor; undefined before {@link begin}. */
  get descriptor(): OwnedFd | undefined {
    return this.#descriptor;
  }

  /** Takes ownership of the descriptor and starts reading. */
  begin(descriptor: OwnedFd): void {
    this.#descriptor = descriptor;
    this.#watch = Reactor.shared().watch(descriptor, EPOLLIN, () => void this.#read());
  }

  /** Delivers the events that the kernel has queued now, before the next turn of the event loop. */
  readQueued(): void {
    // A busy directory must not block the caller.
    for (let turn = 0; turn < MAX_TURNS && this.#read(); turn++);
  }

  add(watch: number, listener: Listener): void {
    const listeners = this.#listeners.get(watch) ?? new Set();
    this.#listeners.set(watch, listeners.add(listener));
  }

  /** Removes a listener. True if it was the last listener of the watch. */
  remove(watch: number, listener: Listener): boolean {
    const listeners = this.#listeners.get(watch);
    if (listeners === undefined || !listeners.delete(listener) || listeners.size > 0) return false;
    this.#listeners.delete(watch);
    return true;
  }

  /** Closes the descriptor. Idempotent. */
  close(): void {
    this.#watch?.close();
    this.#descriptor?.close();
    this.#watch = undefined;
    this.#descriptor = undefined;
    this.#listeners.clear();
  }

  /** Reads one buffer of events. True if there may be more. */
  #read(): boolean {
    const descriptor = this.#descriptor;
    if (descriptor === undefined) return false;
    try {
      // -1 means that the queue is empty.
      const length = tryRead(descriptor, this.#buffer);
      if (length <= 0) return false;
      this.#deliver(decodeInotify(this.#buffer.subarray(0, length)));
      return true;
    } catch {
      this.#watch?.close();
      return false;
    }
  }

  #deliver(events: InotifyEvent[]): void {
    for (const event of events) {
      const overflow = (event.mask & IN_Q_OVERFLOW) !== 0;
      const concerned = overflow ? [...this.#listeners.values()] : [this.#listeners.get(event.watch) ?? []];
      for (const listeners of concerned) for (const listener of listeners) listener(event);
    }
  }
}
