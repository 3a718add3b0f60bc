import { PortholeError } from "../errors.ts";
import { decodeMessage, encodeMessageInto, type Message } from "./codec.ts";
import { Header, MAX_IN_FLIGHT, MAX_PACKET, type Op, Op as Ops, REPLY } from "./messages.ts";
import { violation } from "./violation.ts";

/** A received resource with one owner, such as a descriptor. */
export interface Closable {
  close(): void;
}

/** The socket interface that a channel needs. */
export interface Transport<D> {
  /** The bytes of the packet that is sent next. */
  readonly outgoing: Uint8Array;
  /**
   * Sends `length` bytes of {@link outgoing} as one packet. False if the socket is full: the
   * channel retries after {@link Channel.writable}.
   */
  sendOutgoing(length: number): boolean;
  /** Disposes of a descriptor that no request expects. */
  discard(descriptor: D): void;
}

/** A successful reply. The caller owns the descriptors; `body` is a copy. */
export interface Reply<D extends Closable> {
  /** The request's id. */
  id: number;
  body: Uint8Array;
  descriptors: D[];
}

interface Pending<D extends Closable> {
  readonly id: number;
  op: Op;
  body: Uint8Array;
  maxFds: number;
  timeoutMs: number;
  /** In milliseconds of performance.now(). Set when the request is the oldest one. */
  deadline: number | undefined;
  asError(errno: number, body: Uint8Array): Error;
  resolve(reply: Reply<D>): void;
  reject(error: Error): void;
}

/**
 * Requests and replies of one session over an injected transport. Matches ids, limits the requests
 * in flight, enforces deadlines, and fails all pending requests with one reason when the session
 * ends. Discards descriptors that no request expects.
 */
export class Channel<D extends Closable> {
  readonly #transport: Transport<D>;
  /**
   * The requests without a reply, in the order of their ids, from index {@link #first} on. Replies
   * arrive in the same order, so this is cheaper than a map.
   */
  #requests: (Pending<D> | undefined)[] = [];
  #first = 0;
  /** Requests from this index on wait to be sent. */
  #unsent = 0;
  readonly #onEnd: () => void;
  readonly #target: string;
  #nextId = 1;
  #timer: NodeJS.Timeout | undefined;
  #timerDue = 0;
  /** A function until the error is needed. */
  #ended: PortholeError | (() => PortholeError) | undefined;
  #blocked = false;

  /**
   * @param onEnd called once, after all pending requests failed
   * @param target the target's name, for the reason
   */
  constructor(transport: Transport<D>, onEnd: () => void, target = "") {
    this.#transport = transport;
    this.#target = target;
    this.#onEnd = onEnd;
  }

  /** Why the channel ended; undefined while it is open. */
  get ended(): PortholeError | undefined {
    if (typeof this.#ended === "function") this.#ended = this.#ended();
    return this.#ended;
  }

  /** True while packets wait for the socket to become writable; false after the end. */
  get blocked(): boolean {
    return this.#blocked && this.#ended === undefined;
  }

  /** Number of requests that have no reply yet. */
  get waiting(): number {
    return this.#unsent - this.#first;
  }

  /**
   * Maximum descriptors of the next packet: replies arrive in the order of the requests. At least
   * one, so that the error for an unexpected descriptor names its request.
   */
  get room(): number {
    return this.waiting === 0 ? 1 : Math.max(1, this.#requests[this.#first]?.maxFds ?? 0);
  }

  /**
   * Sends a request.
   * @param maxFds most descriptors that the reply may carry; more ends the session
   * @param timeoutMs how long the agent may take; then the session ends, because the agent's child
   *   may hang in the kernel. Time behind earlier requests does not count
   * @param asError makes the error for a reply that carries an errno
   * @throws the result of `asError`; PortholeError SESSION when the session ended
   */
  request(
    op: Op,
    body: Uint8Array,
    maxFds: number,
    timeoutMs: number,
    asError: (errno: number, body: Uint8Array) => Error,
  ): Promise<Reply<D>> {
    const reply = this.start(op, body, maxFds, timeoutMs, asError);
    this.time();
    return reply;
  }

  /**
   * Like {@link request}, but the caller calls {@link time} if no reply is received at once: most
   * requests need no clock.
   */
  start(
    op: Op,
    body: Uint8Array,
    maxFds: number,
    timeoutMs: number,
    asError: (errno: number, body: Uint8Array) => Error,
  ): Promise<Reply<D>> {
    if (this.#ended !== undefined) return Promise.reject(this.ended);
    if (Header.size + body.length > MAX_PACKET)
      return Promise.reject(new RangeError(`${body.length} bytes of request`));
    if (this.#nextId > 0xffff_ffff) return Promise.reject(this.end("the session is out of request ids: reconnect"));
    return new Promise<Reply<D>>((resolve, reject) => {
      const id = this.#nextId++;
      this.#requests.push({ id, op, body, maxFds, timeoutMs, deadline: undefined, asError, resolve, reject });
      this.#flush();
    });
  }

  /** Call this when the socket is writable again. */
  writable(): void {
    this.#blocked = false;
    this.#flush();
    this.time();
  }

  /** Handles a received packet. The channel owns its descriptors. */
  packet(data: Uint8Array, descriptors: D[]): void {
    const failure = this.#deliver(data, descriptors);
    if (failure === undefined) return;
    for (const descriptor of descriptors) this.#transport.discard(descriptor);
    this.end(failure);
  }

  /** Ends the session: all pending requests fail with this reason. The first reason wins. */
  end(reason: string | PortholeError, details: { cause?: unknown; errno?: string; hint?: string } = {}): PortholeError {
    const error = typeof reason === "string" ? new PortholeError("SESSION", reason, details) : reason;
    this.#finish(() => this.#named(error));
    return this.ended ?? error;
  }

  /** Like {@link end}, but makes the error only if it is needed: that takes 0.1 ms. */
  close(reason: string): void {
    this.#finish(() => this.#named(new PortholeError("SESSION", reason)));
  }

  #deliver(data: Uint8Array, descriptors: D[]): PortholeError | undefined {
    if (this.ended !== undefined) return this.ended;
    let message: Message;
    try {
      message = decodeMessage(data, descriptors.length);
    } catch (error) {
      return error as PortholeError;
    }
    const index = this.#indexOf(message.id);
    const pending = this.#requests[index];
    if (pending === undefined) return violation(`a reply to request ${message.id}, which is not pending`);
    if (message.type !== (pending.op | REPLY)) {
      return violation(`message ${message.type} as the reply to request ${message.id} (${nameOf(pending.op)})`);
    }
    if (descriptors.length > pending.maxFds) {
      return violation(`${descriptors.length} descriptors in reply to ${nameOf(pending.op)}`);
    }
    if (message.error !== 0 && (descriptors.length > 0 || (message.body.length > 0 && pending.op !== Ops.hello))) {
      return violation(`an error reply with a body or descriptors to ${nameOf(pending.op)}`);
    }
    this.#forget(index);
    this.#begin();
    if (message.error !== 0) pending.reject(pending.asError(message.error, new Uint8Array(message.body)));
    else pending.resolve({ id: message.id, body: copyOf(message.body), descriptors });
    if (this.#unsent < this.#requests.length) {
      this.#flush();
      this.time();
    }
    return undefined;
  }

  /** The index of the request of a reply; -1 if none is pending. */
  #indexOf(id: number): number {
    for (let index = this.#first; index < this.#unsent; index++) if (this.#requests[index]?.id === id) return index;
    return -1;
  }

  #forget(index: number): void {
    if (index === this.#first && index < this.#requests.length - 1) {
      // A shift for each reply would move all others.
      this.#requests[this.#first++] = undefined;
      if (this.#first * 2 < this.#requests.length) return;
      this.#requests.splice(0, this.#first);
      this.#unsent -= this.#first;
      this.#first = 0;
      return;
    }
    if (index === this.#requests.length - 1) this.#requests.pop();
    else this.#requests.splice(index, 1);
    this.#unsent--;
  }

  #flush(): void {
    while (!this.#blocked && this.waiting < MAX_IN_FLIGHT) {
      const next = this.#requests[this.#unsent];
      if (next === undefined) break;
      try {
        if (!this.#transport.sendOutgoing(encodeMessageInto(this.#transport.outgoing, next.op, next.id, next.body))) {
          this.#blocked = true;
          break;
        }
      } catch (error) {
        this.end(AGENT_ENDED, { hint: TRY_AGAIN, cause: error });
        return;
      }
      this.#unsent++;
    }
  }

  /**
   * Starts the time of the oldest request: replies arrive in request order, so the agent works on
   * it from the reply before it.
   */
  #begin(): void {
    const oldest = this.#oldest;
    if (oldest !== undefined) oldest.deadline = performance.now() + oldest.timeoutMs;
  }

  get #oldest(): Pending<D> | undefined {
    return this.#first < this.#requests.length ? this.#requests[this.#first] : undefined;
  }

  /**
   * Limits the time of the oldest request. One timer, re-armed when it fires: a timer for each
   * request would cost as much as the request. A timer set for an earlier request may fire too late
   * for one with a shorter deadline.
   */
  time(): void {
    const oldest = this.#oldest;
    if (oldest === undefined) return;
    oldest.deadline ??= performance.now() + oldest.timeoutMs;
    if (this.#timer !== undefined && this.#timerDue <= oldest.deadline) return;
    clearTimeout(this.#timer);
    this.#timerDue = oldest.deadline;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        const first = this.#oldest;
        if (first === undefined) return;
        // The event loop runs timers before sockets: after a pause of this process the reply may be
        // queued.
        if (first.deadline !== undefined && performance.now() >= first.deadline)
          setImmediate(() => this.#expire(first));
        else this.time();
      },
      Math.max(1, oldest.deadline - performance.now()),
    );
    // The socket's watch keeps the process alive while a reply is due.
    this.#timer.unref();
  }

  #expire(late: Pending<D>): void {
    if (this.#oldest === late) this.end(`the agent did not answer ${nameOf(late.op)} in time`, { errno: "ETIMEDOUT" });
    else this.time();
  }

  /** The reason with the target's name, unless its message has it. */
  #named(reason: PortholeError): PortholeError {
    const prefix = `${this.#target}:`;
    if (this.#target === "" || reason.message.includes(prefix)) return reason;
    const { code, message, errno, hint } = reason;
    return new PortholeError(code, `${prefix} ${message}`, { errno, hint, cause: reason });
  }

  #finish(reason: () => PortholeError): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    const waiting = this.#requests.slice(this.#first);
    this.#requests = [];
    this.#first = this.#unsent = 0;
    const error = waiting.length > 0 ? this.ended : undefined;
    if (error !== undefined) for (const pending of waiting) pending?.reject(error);
    this.#onEnd();
  }
}

function copyOf(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafe(bytes.length);
  copy.set(bytes);
  return copy;
}

/** The reason of a session whose agent has closed the connection, and the remedy. */
export const AGENT_ENDED = "the agent ended the session";
export const TRY_AGAIN = "its target may have stopped; if not, try again";

function nameOf(op: Op): string {
  const entry = Object.entries(Ops).find(([, number]) => number === op);
  return entry === undefined ? `message ${op}` : entry[0];
}
