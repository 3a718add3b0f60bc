import { discard } from "../../descriptors/files/discard.ts";
import type { InotifyEvent } from "../../descriptors/files/inotify-event.ts";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import { PortholeError } from "../../errors.ts";
import { encode } from "../../protocol/codec.ts";
import { Op, WatchFlag } from "../../protocol/messages.ts";
import { violation } from "../../protocol/violation.ts";
import { pathBytes } from "../../target.ts";
import { InotifyListeners } from "../local/inotify-listeners.ts";
import type { AgentClient } from "./agent-client.ts";
import { checkInotify } from "./check-received.ts";

/**
 * The inotify instance of a session. The agent creates it, because this user may not watch a
 * container's files, and passes its descriptor; the host reads the events. They are hints to check
 * again, never facts. So an overflow or a lying agent only costs time.
 */
export class Watcher {
  readonly #client: AgentClient;
  readonly #timeoutMs: number;
  readonly #events = new InotifyListeners();

  constructor(client: AgentClient, timeoutMs: number) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
    // Ends with the agent's session, because the descriptor has no further use.
    client.onEnd(() => this.close());
  }

  /**
   * Calls `listener` for the events of `mask` (inotify(7)) on `path`. Resolves with the function
   * that ends the watch.
   * @throws PortholeError FILE with the errno: ENOSPC if the user's inotify watches are used up
   */
  async add(path: string, mask: number, listener: (event: InotifyEvent) => void): Promise<() => void> {
    if (!Number.isInteger(mask) || mask < 0 || mask > 0xffff_ffff)
      throw new PortholeError("USAGE", `cannot watch ${path}: invalid mask ${mask}`);
    const body = encode.watch(0, mask, -1, pathBytes(path));
    const reply = await this.#client.request(Op.watch, body, 1, this.#timeoutMs, () => `cannot watch ${path}`);
    const [descriptor] = reply.descriptors;
    if (descriptor !== undefined) this.#adopt(descriptor);
    if (reply.body.length !== 8 || this.#events.descriptor === undefined) {
      throw violation("a watch without its descriptor");
    }
    const number = new DataView(reply.body.buffer, reply.body.byteOffset).getInt32(0, true);
    this.#events.add(number, listener);
    return () => this.#remove(number, listener);
  }

  /** Delivers the events that the kernel has queued now. */
  readQueued(): void {
    this.#events.readQueued();
  }

  /** Idempotent. */
  close(): void {
    this.#events.close();
  }

  #adopt(descriptor: OwnedFd): void {
    try {
      if (this.#events.descriptor !== undefined) throw violation("a second inotify descriptor");
      checkInotify("a watch", descriptor);
    } catch (error) {
      discard(descriptor);
      this.#client.end(error instanceof PortholeError ? error : undefined);
      throw error;
    }
    this.#events.begin(descriptor);
  }

  #remove(number: number, listener: (event: InotifyEvent) => void): void {
    if (!this.#events.remove(number, listener)) return;
    if (this.#client.ended !== undefined) return;
    const body = encode.watch(WatchFlag.remove, 0, number, undefined);
    // The kernel removes the watch with the file.
    this.#client.request(Op.watch, body, 0, this.#timeoutMs, () => "cannot remove a watch").catch(() => undefined);
  }
}
