import { tryRead } from "../../descriptors/bytes/try-read.ts";
import { EPOLLIN, EPOLLOUT } from "../../descriptors/constants.ts";
import { discard } from "../../descriptors/files/discard.ts";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import { Reactor, readable, readableSoon, type Watch } from "../../descriptors/poll.ts";
import { schedYield } from "../../descriptors/processes/sched-yield.ts";
import { FdSocket } from "../../descriptors/sockets/fd-socket.ts";
import { attachInterrupted, PortholeError } from "../../errors.ts";
import { type AgentInfo, decodeAgentInfo } from "../../protocol/agent-info.ts";
import { AGENT_ENDED, Channel, type Reply, TRY_AGAIN } from "../../protocol/channel.ts";
import { encode } from "../../protocol/codec.ts";
import { MAX_BATCH, Op, VERSION } from "../../protocol/messages.ts";
import { type PipeRecord, RecordDecoder } from "../../protocol/records.ts";
import { violation } from "../../protocol/violation.ts";
import { fileError, refusal, silence, tooMuch, trickle } from "./agent-errors.ts";
import { checkPipe } from "./check-received.ts";

/** Maximum number of packets that one turn of the event loop receives from the socket. */
const BATCH = 32;
/**
 * Maximum number of replies that are received without returning to the event loop. They take 1 to 2
 * ms; timers and signals run afterwards.
 */
const AT_ONCE = 64;
/**
 * After this many receives in vain, no reply is expected directly after a request, until this many
 * requests later.
 */
const [EARLY_TRIES, EARLY_PAUSE] = [4, 256];
/**
 * Maximum milliseconds for HELLO. It touches no file system, so only a stuck or frozen agent needs
 * longer.
 */
const HELLO_TIMEOUT_MS = 5_000;
/** Bytes of records that are read before other events of the process are handled. */
const TURN = 65_536;
/** Limits of one reply. They stop an agent that sends records without end. */
export interface RecordLimits {
  records: number;
  /** Bytes of names, link targets and arguments. */
  text: number;
  /** Total bytes. */
  bytes: number;
}

/**
 * Limits of a command that collects all records to sort them. The records of a directory of a
 * million names of 255 bytes with stat are below each limit.
 */
const LIMITS: RecordLimits = { records: 2_097_152, text: 256 * 1024 * 1024, bytes: 384 * 1024 * 1024 };
/**
 * Total time for one reply, in request timeouts: 6 (one minute by default) plus 1/100 (0.1 s) per
 * record. A busy disk that reads one inode at a time still serves ten per second.
 */
const PATIENCE = { answer: 6, record: 1 / 100 };

/**
 * One connection to one agent: joins the socket, the reactor's watch and the channel. Everything
 * that arrives is delivered to the pending request or closed.
 */
export class AgentClient {
  readonly #socket: FdSocket;
  readonly #channel: Channel<OwnedFd>;
  readonly #waitForRoom: () => void;
  readonly #atEnd: (() => void)[];
  readonly #turn: Turn;
  /** Requests since the last reply that had arrived before {@link schedYield}. */
  #misses = 0;
  /** The agent's description of itself. */
  readonly info: AgentInfo;

  private constructor(
    socket: FdSocket,
    channel: Channel<OwnedFd>,
    waitForRoom: () => void,
    atEnd: (() => void)[],
    turn: Turn,
    info: AgentInfo,
  ) {
    this.#turn = turn;
    this.#atEnd = atEnd;
    this.#socket = socket;
    this.#channel = channel;
    this.#waitForRoom = waitForRoom;
    this.info = info;
  }

  /**
   * Sends HELLO on a connected socket and takes ownership of the socket.
   * @param version the agent's version, if it is known to differ. Such a session may only describe
   * and end the agent
   * @param target the target's name, for the reason of the session's end
   * @throws OtherVersionError; FullAgentError; PortholeError SESSION if the agent does not reply or
   * refuses; CANCELLED
   */
  static async open(connection: OwnedFd, version = VERSION, target = "", signal?: AbortSignal): Promise<AgentClient> {
    const socket = new FdSocket(connection, { maxDescriptors: MAX_BATCH });
    let watch: Watch | undefined;
    let waiting = false;
    const atEnd: (() => void)[] = [];
    const turn: Turn = { left: AT_ONCE };
    const close = () => {
      watch?.close();
      socket.close();
      for (const action of atEnd.splice(0)) action();
    };
    const channel = new Channel<OwnedFd>(socket, close, target);
    // Every send can fill the socket: a request, a queued request after EPOLLOUT, and one after a
    // reply.
    const waitForRoom = () => {
      if (channel.blocked === waiting || channel.ended !== undefined) return;
      waiting = channel.blocked;
      watch?.modify(waiting ? EPOLLIN | EPOLLOUT : EPOLLIN);
    };
    const startWatch = () => {
      if (channel.ended !== undefined) return;
      try {
        watch = Reactor.shared().watch(socket.fd, waiting ? EPOLLIN | EPOLLOUT : EPOLLIN, (events) => {
          turn.left = AT_ONCE;
          if ((events & EPOLLOUT) !== 0) channel.writable();
          receive(socket, channel);
          waitForRoom();
        });
      } catch (error) {
        channel.end(error instanceof PortholeError ? error : "cannot wait for the agent", { cause: error });
      }
    };
    const abort = () => channel.end(attachInterrupted(signal?.reason));
    try {
      if (signal?.aborted) throw abort();
      signal?.addEventListener("abort", abort);
      const hello = channel.start(Op.hello, encode.hello(version), 0, HELLO_TIMEOUT_MS, refusal);
      if (readableSoon(socket.fd)) {
        receive(socket, channel);
        // A small command ends before it waits for anything else. An immediate would take 0.2 ms.
        if (channel.ended === undefined) process.nextTick(startWatch);
      } else startWatch();
      channel.time();
      const { body } = await hello;
      return new AgentClient(socket, channel, waitForRoom, atEnd, turn, decodeAgentInfo(body, 0, version));
    } catch (error) {
      channel.end("the session could not be opened");
      throw error;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Why the session ended; undefined while it is open. */
  get ended(): PortholeError | undefined {
    return this.#channel.ended;
  }

  /**
   * Calls `action` when the session ends, for any reason. Calls it at once if the session has
   * ended.
   */
  onEnd(action: () => void): void {
    if (this.ended === undefined) this.#atEnd.push(action);
    else action();
  }

  /**
   * Sends a request and waits for the reply. The caller owns the reply's descriptors.
   * @param what names the request in errors, such as "cannot open web:/x"
   * @throws PortholeError FILE with the agent's errno; SESSION
   */
  request(op: Op, body: Uint8Array, maxFds: number, timeoutMs: number, what: () => string): Promise<Reply<OwnedFd>> {
    // Not async: each promise between the socket and the caller costs 5 % of the time of an open.
    const reply = this.#channel.start(op, body, maxFds, timeoutMs, (errno) => fileError(what(), errno));
    this.#receiveAtOnce();
    this.#channel.time();
    this.#waitForRoom();
    return reply;
  }

  /**
   * On the same processor, the agent has often replied when sendmsg(2) returns, or replies after a
   * sched_yield(2). The event loop would report it microseconds later. Mostly only one of the two
   * happens, and a receive in vain takes 5 % of the time of an open.
   */
  #receiveAtOnce(): void {
    if (this.#channel.waiting !== 1 || this.#turn.left === 0) return;
    this.#turn.left--;
    if (readableSoon(this.#socket.fd)) {
      receive(this.#socket, this.#channel);
      return;
    }
    if (this.#misses++ % EARLY_PAUSE < EARLY_TRIES) {
      receive(this.#socket, this.#channel);
      if (this.#channel.waiting !== 1) {
        this.#misses = 0;
        return;
      }
    }
    schedYield();
    receive(this.#socket, this.#channel);
  }

  /**
   * Like {@link request}, for a reply that is a pipe of records. Yields records in batches as they
   * arrive, then ends. Throws FILE with the errno that stopped the agent, and E2BIG beyond the
   * limits. Each whole record must arrive within `timeoutMs` of the one before it, and all of them
   * within {@link PATIENCE}.
   */
  async *records(
    op: Op,
    body: Uint8Array,
    timeoutMs: number,
    what: () => string,
    limits = LIMITS,
  ): AsyncGenerator<PipeRecord[]> {
    const { descriptors } = await this.request(op, body, 1, timeoutMs, what);
    const [pipe] = descriptors;
    if (pipe === undefined) throw this.#channel.end(violation("no pipe"));
    try {
      this.#orEnd(() => checkPipe(what(), pipe));
      yield* this.#recordsOf(pipe, timeoutMs, what, limits);
    } finally {
      discard(pipe);
    }
  }

  async *#recordsOf(
    pipe: OwnedFd,
    timeoutMs: number,
    what: () => string,
    limits: RecordLimits,
  ): AsyncGenerator<PipeRecord[]> {
    const decoder = new RecordDecoder();
    const buffer = Buffer.allocUnsafe(TURN);
    let sinceTurn = 0;
    let count = 0;
    let bytes = 0;
    let waitedMs = 0;
    let deadline = performance.now() + timeoutMs;
    while (!decoder.isComplete) {
      // A short list arrives with the reply. Reading a long one must not block other events of the
      // process.
      const length = sinceTurn < TURN ? tryRead(pipe, buffer) : -1;
      if (length < 0) {
        const from = performance.now();
        const patience = timeoutMs * (PATIENCE.answer + PATIENCE.record * count) - waitedMs;
        if (patience < deadline - from)
          await this.#dataOf(pipe, patience, () => trickle(what(), count, waitedMs + patience));
        else await this.#dataOf(pipe, deadline - from, () => silence(what(), timeoutMs));
        // Only the agent's time counts: the consumer of the records may be slow.
        waitedMs += performance.now() - from;
        sinceTurn = 0;
        continue;
      }
      if (length === 0) break;
      sinceTurn += length;
      bytes += length;
      if (bytes > limits.bytes) throw tooMuch(what(), `${limits.bytes} bytes`);
      const records = this.#orEnd(() => decoder.push(buffer.subarray(0, length)));
      if (decoder.textBytes > limits.text) throw tooMuch(what(), `${limits.text} bytes of names`);
      if (records.length === 0) continue;
      const room = limits.records - count;
      count += records.length;
      yield room < records.length ? records.slice(0, room) : records;
      if (count > limits.records) throw tooMuch(what(), `${limits.records} entries`);
      deadline = performance.now() + timeoutMs;
    }
    if (!decoder.isComplete) this.#throwIfGone();
    const error = decoder.end();
    if (error !== 0) throw fileError(what(), error);
  }

  /** An agent that was killed closes its socket before the pipe of a list: a lower descriptor. */
  #throwIfGone(): void {
    receive(this.#socket, this.#channel);
    if (this.#channel.ended !== undefined) throw this.#channel.ended;
  }

  /** A protocol violation ends the session. */
  #orEnd<T>(check: () => T): T {
    try {
      return check();
    } catch (error) {
      throw error instanceof PortholeError ? this.#channel.end(error) : error;
    }
  }

  async #dataOf(pipe: OwnedFd, leftMs: number, complaint: () => string): Promise<void> {
    try {
      await readable(pipe, { timeoutMs: Math.max(0, leftMs) });
    } catch (error) {
      if (!(error instanceof PortholeError) || error.errno !== "ETIMEDOUT") throw error;
      throw this.#channel.end(complaint(), { errno: "ETIMEDOUT" });
    }
  }

  /** Ends the session; pending requests fail. Idempotent. */
  close(): void {
    this.#channel.close(CLOSED);
    this.#socket.close();
  }

  /** Like {@link close}, with a reason. Returns the first reason, which stays. */
  end(reason: string | PortholeError = CLOSED): PortholeError {
    const ended = this.#channel.end(reason);
    this.#socket.close();
    return ended;
  }
}

const CLOSED = "the session was closed";

/** The number of replies that may still be received before the event loop's next turn. */
interface Turn {
  left: number;
}

function receive(socket: FdSocket, channel: Channel<OwnedFd>): void {
  try {
    for (let count = 0; count < BATCH && channel.ended === undefined; count++) {
      const packet = socket.receive(channel.room);
      if (packet === "again") return;
      if (packet === "end") {
        channel.end(AGENT_ENDED, { hint: TRY_AGAIN });
        return;
      }
      channel.packet(packet.data, packet.descriptors);
      // No reply is pending. The reactor reports everything else that arrives.
      if (channel.waiting === 0) return;
    }
  } catch (error) {
    channel.end(error instanceof PortholeError ? error : "receiving from the agent failed", { cause: error });
  }
}
