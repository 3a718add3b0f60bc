import { PortholeError } from "../errors.ts";
import { decodeMessage, encodeMessage, type Message } from "./codec.ts";
import { MAX_IN_FLIGHT, type Op, Op as Ops, REPLY } from "./messages.ts";

/** Something received that must be closed once: a descriptor's owner. */
export interface Closable {
  close(): void;
}

/** What a channel needs of the socket beneath it. */
export interface Transport<D> {
  /** Sends one packet. False when the socket is full: the channel sends it again after {@link Channel.writable}. */
  send(packet: Uint8Array): boolean;
  /** Gets rid of a descriptor that no request expects. */
  discard(descriptor: D): void;
}

/** A reply without error. The caller owns the descriptors; `body` is a copy. */
export interface Reply<D extends Closable> {
  /** Of the request. */
  id: number;
  body: Uint8Array;
  descriptors: D[];
}

interface Pending<D extends Closable> {
  op: Op;
  mayBring: number;
  deadline: number;
  asError(errno: number, body: Uint8Array): Error;
  resolve(reply: Reply<D>): void;
  reject(error: Error): void;
}

/**
 * Requests and replies of one session, over an injected transport: matches ids, bounds what is in flight, enforces deadlines, and fails
 * every pending request with one reason when the session ends. Descriptors that no request expects are discarded.
 */
export class Channel<D extends Closable> {
  readonly #transport: Transport<D>;
  readonly #pending = new Map<number, Pending<D>>();
  readonly #queue: { id: number; packet: Uint8Array; pending: Pending<D> }[] = [];
  readonly #onEnd: (reason: PortholeError) => void;
  #nextId = 1;
  #timer: NodeJS.Timeout | undefined;
  #timerDue = 0;
  #ended: PortholeError | undefined;
  #blocked = false;

  /** @param onEnd called once with the reason, after every pending request failed. */
  constructor(transport: Transport<D>, onEnd: (reason: PortholeError) => void) {
    this.#transport = transport;
    this.#onEnd = onEnd;
  }

  /** Why the channel ended, undefined while it lives. */
  get ended(): PortholeError | undefined {
    return this.#ended;
  }

  /** True while packets wait for the socket to become writable; a channel that ended waits for nothing. */
  get blocked(): boolean {
    return this.#blocked && this.#ended === undefined;
  }

  /** Requests that were sent and have no reply yet. */
  get waiting(): number {
    return this.#pending.size;
  }

  /**
   * Sends a request.
   * @param mayBring most descriptors that the reply may carry; more ends the session.
   * @param timeoutMs when it passes, the whole session ends: the agent's child may hang in the kernel, so its next answer is worth nothing.
   * @param asError makes the error for a reply that carries an errno.
   * @throws what `asError` made; PortholeError SESSION when the session ended.
   */
  request(
    op: Op,
    body: Uint8Array,
    mayBring: number,
    timeoutMs: number,
    asError: (errno: number, body: Uint8Array) => Error,
  ): Promise<Reply<D>> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    if (this.#nextId > 0xffff_ffff) return Promise.reject(this.end("its request numbers are used up"));
    const id = this.#nextId++;
    return new Promise<Reply<D>>((resolve, reject) => {
      const pending = { op, mayBring, deadline: performance.now() + timeoutMs, asError, resolve, reject };
      this.#queue.push({ id, packet: encodeMessage(op, id, body), pending });
      this.#flush();
    });
  }

  /** The socket can be written again. */
  writable(): void {
    this.#blocked = false;
    this.#flush();
  }

  /** Takes one packet off the socket. The channel owns the descriptors from here on. */
  packet(data: Uint8Array, descriptors: D[]): void {
    const failure = this.#deliver(data, descriptors);
    if (failure === undefined) return;
    for (const descriptor of descriptors) this.#transport.discard(descriptor);
    this.#finish(failure);
  }

  /** Ends the session: every pending request fails with this reason. The first reason wins. */
  end(reason: string | PortholeError, details: { cause?: unknown; errno?: string; hint?: string } = {}): PortholeError {
    const error = typeof reason === "string" ? new PortholeError("SESSION", reason, details) : reason;
    return this.#finish(error);
  }

  #deliver(data: Uint8Array, descriptors: D[]): PortholeError | undefined {
    if (this.#ended !== undefined) return this.#ended;
    let message: Message;
    try {
      message = decodeMessage(data, descriptors.length);
    } catch (error) {
      return error as PortholeError;
    }
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return broken(`an answer to request ${message.id}, which is not waiting for one`);
    if (message.type !== (pending.op | REPLY)) {
      return broken(`message ${message.type} as the answer to request ${message.id} (${nameOf(pending.op)})`);
    }
    if (descriptors.length > pending.mayBring) {
      return broken(`${descriptors.length} descriptors in answer to ${nameOf(pending.op)}`);
    }
    if (message.error !== 0 && (descriptors.length > 0 || (message.body.length > 0 && pending.op !== Ops.hello))) {
      return broken(`an error with more behind it in answer to ${nameOf(pending.op)}`);
    }
    this.#pending.delete(message.id);
    if (message.error !== 0) pending.reject(pending.asError(message.error, new Uint8Array(message.body)));
    else pending.resolve({ id: message.id, body: new Uint8Array(message.body), descriptors });
    if (this.#queue.length > 0) this.#flush();
    return undefined;
  }

  #flush(): void {
    while (!this.#blocked && this.#queue.length > 0 && this.#pending.size < MAX_IN_FLIGHT) {
      const next = this.#queue[0];
      if (next === undefined) return;
      try {
        if (!this.#transport.send(next.packet)) {
          this.#blocked = true;
          break;
        }
      } catch (error) {
        this.#finish(new PortholeError("SESSION", "the agent is gone", { cause: error }));
        return;
      }
      this.#queue.shift();
      this.#pending.set(next.id, next.pending);
    }
    this.#arm();
  }

  get #oldest(): Pending<D> | undefined {
    return this.#pending.values().next().value ?? this.#queue[0]?.pending;
  }

  // One timer for the oldest request, re-armed when it fires: a timer for each request would cost as much as the request. Answers come in the
  // order of the requests. A timer that was set for an earlier, answered request may be due too late for one with less time.
  #arm(): void {
    const oldest = this.#oldest;
    if (oldest === undefined || (this.#timer !== undefined && this.#timerDue <= oldest.deadline)) return;
    clearTimeout(this.#timer);
    this.#timerDue = oldest.deadline;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        const first = this.#oldest;
        if (first === undefined) return;
        // While this process was stopped, or busy, the answer may have come: the event loop looks at timers before it looks at sockets.
        if (performance.now() >= first.deadline) setImmediate(() => this.#expire(first));
        else this.#arm();
      },
      Math.max(1, oldest.deadline - performance.now()),
    );
    // The socket's watch keeps the process alive while an answer is due, not this timer after the answer came.
    this.#timer.unref();
  }

  #expire(late: Pending<D>): void {
    if (this.#oldest === late) this.end(`the agent did not answer ${nameOf(late.op)} in time`, { errno: "ETIMEDOUT" });
    else this.#arm();
  }

  #finish(reason: PortholeError): PortholeError {
    if (this.#ended !== undefined) return this.#ended;
    this.#ended = reason;
    clearTimeout(this.#timer);
    const waiting = [...this.#pending.values(), ...this.#queue.map((item) => item.pending)];
    this.#pending.clear();
    this.#queue.length = 0;
    for (const pending of waiting) pending.reject(reason);
    this.#onEnd(reason);
    return reason;
  }
}

function nameOf(op: Op): string {
  const entry = Object.entries(Ops).find(([, number]) => number === op);
  return entry === undefined ? `message ${op}` : entry[0];
}

function broken(what: string): PortholeError {
  return new PortholeError("SESSION", `the agent broke the protocol: it sent ${what}`, { errno: "EPROTO" });
}
