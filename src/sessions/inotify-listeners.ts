import { EPOLLIN, IN_Q_OVERFLOW } from "../descriptors/constants.ts";
import { decodeInotify, type InotifyEvent } from "../descriptors/inotify-event.ts";
import type { OwnedFd } from "../descriptors/owned-fd.ts";
import { Reactor, type Watch } from "../descriptors/poll.ts";
import { tryRead } from "../descriptors/try-read.ts";

/** Bytes of events taken in one turn. */
const BUFFER = 16 * 1024;

type Listener = (event: InotifyEvent) => void;

/** Reads one inotify descriptor and tells each event to those who listen for its watch. */
export class InotifyListeners {
  readonly #listeners = new Map<number, Set<Listener>>();
  #descriptor: OwnedFd | undefined;
  #watch: Watch | undefined;

  /** The descriptor, once there is one. */
  get descriptor(): OwnedFd | undefined {
    return this.#descriptor;
  }

  /** Takes the descriptor and reads it from now on. */
  begin(descriptor: OwnedFd): void {
    this.#descriptor = descriptor;
    const buffer = Buffer.allocUnsafe(BUFFER);
    this.#watch = Reactor.shared().watch(descriptor, EPOLLIN, () => {
      try {
        // -1: somebody else read the events.
        const length = tryRead(descriptor, buffer);
        if (length > 0) this.#deliver(decodeInotify(buffer.subarray(0, length)));
      } catch {
        this.#watch?.close();
      }
    });
  }

  add(watch: number, listener: Listener): void {
    const listeners = this.#listeners.get(watch) ?? new Set();
    this.#listeners.set(watch, listeners.add(listener));
  }

  /** True when that was the last listener of the watch. */
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

  #deliver(events: InotifyEvent[]): void {
    for (const event of events) {
      const overflow = (event.mask & IN_Q_OVERFLOW) !== 0;
      const concerned = overflow ? [...this.#listeners.values()] : [this.#listeners.get(event.watch) ?? []];
      for (const listeners of concerned) for (const listener of listeners) listener(event);
    }
  }
}
