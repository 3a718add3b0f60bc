import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import { acceptFrom } from "../../descriptors/sockets/fd-socket.ts";

/**
 * Pending peers; the oldest silent one is evicted. A container may connect as often as it wants,
 * and the agent sends its message as soon as it connects.
 */
const MAX_PEERS = 64;

/**
 * Identifies a peer and takes ownership of it. Resolves with undefined for a wrong peer, and
 * rejects for a right one that fails. Calls `sent` when the peer has sent its message. `silence`
 * aborts when the peer is evicted.
 */
export type IdentifyPeer<Agent> = (peer: OwnedFd, sent: () => void, silence: AbortSignal) => Promise<Agent | undefined>;

/** The peers of a rendezvous, until one of them is the agent. */
export class PendingPeers<Agent> {
  /** The agent; rejects when a right peer fails, and after {@link fail}. */
  readonly agent: Promise<Agent>;
  /** Rejects {@link agent}. */
  readonly fail: (error: unknown) => void;
  /** Number of wrong peers. */
  refused = 0;
  readonly #identify: IdentifyPeer<Agent>;
  readonly #accept: (agent: Agent) => void;
  /** Peers that have sent nothing, the oldest first. */
  readonly #silent = new Set<AbortController>();
  readonly #peers = new Set<Promise<void>>();

  constructor(identify: IdentifyPeer<Agent>) {
    this.#identify = identify;
    let settle!: { accept: (agent: Agent) => void; fail: (error: unknown) => void };
    this.agent = new Promise<Agent>((accept, fail) => {
      settle = { accept, fail };
    });
    this.#accept = settle.accept;
    this.fail = settle.fail;
  }

  /** Accepts the waiting connections of a rendezvous. */
  accept(rendezvous: OwnedFd): void {
    try {
      for (let count = 0; count < MAX_PEERS; count++) {
        const peer = acceptFrom(rendezvous);
        if (peer === undefined) return;
        this.#evict();
        this.#begin(peer);
      }
    } catch (error) {
      this.fail(error); // such as EMFILE
    }
  }

  /** Drops every peer. Resolves when their sockets are closed. */
  async close(): Promise<void> {
    for (const silence of this.#silent) silence.abort();
    await Promise.allSettled(this.#peers);
  }

  #evict(): void {
    const [oldest] = this.#silent;
    if (this.#silent.size < MAX_PEERS || oldest === undefined) return;
    this.#silent.delete(oldest);
    oldest.abort();
  }

  /** Reads each peer separately, so that a silent peer blocks no other. */
  #begin(peer: OwnedFd): void {
    const silence = new AbortController();
    this.#silent.add(silence);
    const sent = () => void this.#silent.delete(silence);
    const identified = this.#identify(peer, sent, silence.signal)
      .then((agent) => {
        if (agent === undefined) this.refused++;
        else this.#accept(agent);
      }, this.fail)
      .finally(() => {
        sent();
        this.#peers.delete(identified);
      });
    this.#peers.add(identified);
  }
}
