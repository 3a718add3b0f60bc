import type { AgentClient } from "./agent-client.ts";
import { discard } from "./descriptors/discard.ts";
import type { OwnedFd } from "./descriptors/owned-fd.ts";
import { EPOLLIN, Reactor, type Watch } from "./descriptors/poll.ts";
import { readNow } from "./descriptors/read-now.ts";
import { PortholeError } from "./errors.ts";
import { encode } from "./protocol/codec.ts";
import { Op, WatchFlag } from "./protocol/messages.ts";
import { checkInotify } from "./received.ts";
import { decodeInotify, IN_Q_OVERFLOW, type InotifyEvent } from "./tail/inotify.ts";
import { pathBytes } from "./target.ts";

/** Bytes of events taken in one turn. */
const BUFFER = 16 * 1024;

/**
 * The one inotify instance of a session. The agent makes it, for this user may not watch a container's file himself, and passes its
 * descriptor; events are read here. They are hints to look again, never facts: an overflow or a lying agent costs time, not truth.
 */
export class Watcher {
  readonly #client: AgentClient;
  readonly #timeoutMs: number;
  readonly #listeners = new Map<number, Set<(event: InotifyEvent) => void>>();
  #descriptor: OwnedFd | undefined;
  #watch: Watch | undefined;

  constructor(client: AgentClient, timeoutMs: number) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
    // An agent that has ended takes the session along, and nobody may close what is of no use any more.
    client.whenEnded(() => this.close());
  }

  /**
   * Calls `listener` for the events of `mask` (inotify(7)) on `path`, until the function that it resolves with is called.
   * @throws PortholeError FILE with the errno: ENOSPC when the user's inotify watches are used up.
   */
  async add(path: string, mask: number, listener: (event: InotifyEvent) => void): Promise<() => void> {
    const body = encode.watch(0, mask, -1, pathBytes(path));
    const reply = await this.#client.request(Op.watch, body, 1, this.#timeoutMs, () => `cannot watch ${path}`);
    const [descriptor] = reply.descriptors;
    if (descriptor !== undefined) this.#adopt(descriptor);
    if (reply.body.length !== 8 || this.#descriptor === undefined) {
      throw new PortholeError("SESSION", "the agent broke the protocol: it sent a watch without its descriptor");
    }
    const number = new DataView(reply.body.buffer, reply.body.byteOffset).getInt32(0, true);
    const listeners = this.#listeners.get(number) ?? new Set();
    this.#listeners.set(number, listeners.add(listener));
    return () => this.#remove(number, listener);
  }

  /** Idempotent. */
  close(): void {
    this.#watch?.close();
    this.#descriptor?.close();
    this.#watch = undefined;
    this.#descriptor = undefined;
    this.#listeners.clear();
  }

  #adopt(descriptor: OwnedFd): void {
    try {
      if (this.#descriptor !== undefined)
        throw new PortholeError("SESSION", "the agent broke the protocol: it sent a second inotify descriptor");
      checkInotify("a watch", descriptor);
    } catch (error) {
      discard(descriptor);
      this.#client.close();
      throw error;
    }
    this.#descriptor = descriptor;
    const buffer = Buffer.allocUnsafe(BUFFER);
    this.#watch = Reactor.shared().watch(descriptor, EPOLLIN, () => {
      try {
        // -1: somebody else read the events.
        const length = readNow(descriptor, buffer);
        if (length > 0) this.#deliver(decodeInotify(buffer.subarray(0, length)));
      } catch {
        this.#watch?.close();
      }
    });
  }

  #deliver(events: InotifyEvent[]): void {
    for (const event of events) {
      const overflow = (event.mask & IN_Q_OVERFLOW) !== 0;
      const concerned = overflow ? [...this.#listeners.values()] : [this.#listeners.get(event.watch) ?? []];
      for (const listeners of concerned) for (const listener of listeners) listener(event);
    }
  }

  #remove(number: number, listener: (event: InotifyEvent) => void): void {
    const listeners = this.#listeners.get(number);
    if (listeners === undefined || !listeners.delete(listener) || listeners.size > 0) return;
    this.#listeners.delete(number);
    if (this.#client.ended !== undefined) return;
    const body = encode.watch(WatchFlag.remove, 0, number, undefined);
    // The kernel may have removed it already, with the file.
    this.#client.request(Op.watch, body, 0, this.#timeoutMs, () => "cannot end a watch").catch(() => undefined);
  }
}
