import { EPOLLIN, EPOLLOUT } from "../descriptors/constants.ts";
import { discard } from "../descriptors/discard.ts";
import { errnoName, errnoText } from "../descriptors/errno.ts";
import { FdSocket } from "../descriptors/fd-socket.ts";
import type { OwnedFd } from "../descriptors/owned-fd.ts";
import { Reactor, readable, type Watch } from "../descriptors/poll.ts";
import { schedYield } from "../descriptors/sched-yield.ts";
import { tryRead } from "../descriptors/try-read.ts";
import { PortholeError } from "../errors.ts";
import { type AgentInfo, decodeAgentInfo } from "../protocol/agent-info.ts";
import { Channel, type Reply } from "../protocol/channel.ts";
import { encode } from "../protocol/codec.ts";
import { MAX_BATCH, Op } from "../protocol/messages.ts";
import { type PipeRecord, RecordDecoder } from "../protocol/records.ts";
import { violation } from "../protocol/violation.ts";
import { checkPipe } from "./check-received.ts";

/** Packets taken from the socket in one turn of the event loop. */
const BATCH = 32;
/** Answers that are taken without a turn of the event loop between them: a millisecond or two, after which timers and signals have their turn. */
const AT_ONCE = 64;
/** Milliseconds for HELLO: it touches no file system, only a stuck or frozen agent needs longer. */
const HELLO_TIMEOUT_MS = 5_000;
/** Bytes of records that are taken before other events of the process get their turn. */
const TURN = 65_536;
/** How much one answer may be, after which an agent is taken for one that never ends. */
export interface RecordLimits {
  records: number;
  /** Bytes of names, link targets and arguments. */
  text: number;
  /** Bytes of everything. */
  bytes: number;
}

/** What a command that keeps it all to sort it can hold: a directory of a million names of 255 bytes with info is below each. */
const LIMITS: RecordLimits = { records: 2_097_152, text: 256 * 1024 * 1024, bytes: 384 * 1024 * 1024 };
/**
 * How long an answer may be waited for in all, in deadlines of a request: a minute, and a tenth of a second more for each record. A disk that is asked for the
 * info of one file after the other, by others too, still gives ten a second.
 */
const PATIENCE = { answer: 6, record: 1 / 100 };

/**
 * One connection to one agent: the socket, the reactor's watch and the channel, joined. Everything that arrives is
 * either delivered to the request that waits for it, or closed.
 */
export class AgentClient {
  readonly #socket: FdSocket;
  readonly #channel: Channel<OwnedFd>;
  readonly #waitForRoom: () => void;
  readonly #atEnd: (() => void)[];
  readonly #turn: Turn;
  /** What the agent said of itself. */
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
   * Says HELLO on a connected socket, which it takes.
   * @throws PortholeError ATTACH for an agent of another version (errno EPROTO); SESSION when it does not answer, or refuses.
   */
  static async open(connection: OwnedFd): Promise<AgentClient> {
    const socket = new FdSocket(connection, { maxDescriptors: MAX_BATCH });
    let watch: Watch | undefined;
    let waiting = false;
    const atEnd: (() => void)[] = [];
    const turn: Turn = { left: AT_ONCE };
    const channel = new Channel<OwnedFd>(socket, () => {
      watch?.close();
      socket.close();
      for (const action of atEnd.splice(0)) action();
    });
    // Whatever sends may fill the socket: a request, room in it, and an answer, for which queued requests go out.
    const waitForRoom = () => {
      if (channel.blocked === waiting || channel.ended !== undefined) return;
      waiting = channel.blocked;
      watch?.modify(waiting ? EPOLLIN | EPOLLOUT : EPOLLIN);
    };
    try {
      watch = Reactor.shared().watch(socket.fd, EPOLLIN, (events) => {
        turn.left = AT_ONCE;
        if ((events & EPOLLOUT) !== 0) channel.writable();
        receive(socket, channel);
        waitForRoom();
      });
      const { body } = await channel.request(Op.hello, encode.hello(), 0, HELLO_TIMEOUT_MS, refusal);
      return new AgentClient(socket, channel, waitForRoom, atEnd, turn, decodeAgentInfo(body));
    } catch (error) {
      channel.end("the session was not opened");
      throw error;
    }
  }

  /** Why the session ended, undefined while it lives. */
  get ended(): PortholeError | undefined {
    return this.#channel.ended;
  }

  /** Calls `action` when the session ends, whoever ends it; for what lives by it. */
  onEnd(action: () => void): void {
    if (this.ended === undefined) this.#atEnd.push(action);
    else action();
  }

  /**
   * Sends a request and waits for its reply, whose descriptors the caller owns.
   * @param what names the request in an error: "cannot open '/x' in web".
   * @throws PortholeError FILE with the agent's errno, or SESSION.
   */
  request(op: Op, body: Uint8Array, maxFds: number, timeoutMs: number, what: () => string): Promise<Reply<OwnedFd>> {
    // Not async: each promise between the socket and the caller costs an open a twentieth of its time.
    const reply = this.#channel.request(op, body, maxFds, timeoutMs, (errno) => fileError(what(), errno));
    this.#receiveAtOnce();
    this.#waitForRoom();
    return reply;
  }

  /**
   * On the same processor the agent has answered a request by the time sendmsg(2) returns, or does when it is given way to; the event loop would take
   * microseconds to say so.
   */
  #receiveAtOnce(): void {
    if (this.#channel.waiting !== 1 || this.#turn.left === 0) return;
    this.#turn.left--;
    receive(this.#socket, this.#channel);
    if (this.#channel.waiting !== 1) return;
    schedYield();
    receive(this.#socket, this.#channel);
  }

  /**
   * Like {@link request} for an answer that comes as a pipe of records: yields as many as arrived together, then ends, or throws FILE with the
   * errno that stopped the agent, E2BIG beyond the limits. A whole record must come within `timeoutMs` of the one before it, and they must not
   * trickle: see {@link PATIENCE}.
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
      // A short list is there with the reply; a long one must not keep other events of the process waiting.
      const length = sinceTurn < TURN ? tryRead(pipe, buffer) : -1;
      if (length < 0) {
        const from = performance.now();
        const patience = timeoutMs * (PATIENCE.answer + PATIENCE.record * count) - waitedMs;
        if (patience < deadline - from)
          await this.#dataOf(pipe, patience, () => trickle(what(), count, waitedMs + patience));
        else await this.#dataOf(pipe, deadline - from, () => silence(what(), timeoutMs));
        // Only the agent's time counts: whoever takes the records may take them slowly.
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
    const error = decoder.end();
    if (error !== 0) throw fileError(what(), error);
  }

  /** Whoever sends nonsense once has nothing more to say. */
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

  /** Ends the session; pending requests fail with the reason. Idempotent: the first reason stays. */
  close(reason: string | PortholeError = "the session was closed"): void {
    this.#channel.end(reason);
    this.#socket.close();
  }
}

/** Why the agent did not open a session: it is of another version, else by its errno. */
function refusal(errno: number, body: Uint8Array): PortholeError {
  try {
    decodeAgentInfo(body);
  } catch (error) {
    if (error instanceof PortholeError && error.code === "ATTACH" && error.errno === "EPROTO") return error;
  }
  return new PortholeError("SESSION", `the agent refused the session: ${errnoText(errno)}`, {
    errno: errnoName(errno),
  });
}

function fileError(what: string, errno: number): PortholeError {
  return new PortholeError("FILE", `${what}: ${errnoText(errno)}`, { errno: errnoName(errno) });
}

function silence(what: string, timeoutMs: number): string {
  return `${what}: the agent sent nothing for ${timeoutMs / 1000} s`;
}

function trickle(what: string, count: number, waitedMs: number): string {
  return `${what}: the agent sent no more than ${count} entries in ${Math.round(waitedMs) / 1000} s`;
}

function tooMuch(what: string, limit: string): PortholeError {
  return new PortholeError("FILE", `${what}: more than ${limit}, which is where porthole stops`, { errno: "E2BIG" });
}

/** How many answers may still be taken before the event loop's next turn. */
interface Turn {
  left: number;
}

function receive(socket: FdSocket, channel: Channel<OwnedFd>): void {
  try {
    for (let count = 0; count < BATCH && channel.ended === undefined; count++) {
      const packet = socket.receive(channel.room);
      if (packet === "again") return;
      if (packet === "end") {
        channel.end("the agent ended the session", { hint: "the container may have stopped" });
        return;
      }
      channel.packet(packet.data, packet.descriptors);
      // Nothing else is due; what comes all the same is reported by the reactor.
      if (channel.waiting === 0) return;
    }
  } catch (error) {
    channel.end(error instanceof PortholeError ? error : "receiving from the agent failed", { cause: error });
  }
}
