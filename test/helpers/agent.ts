import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { constants, fstatSync, mkdtempSync, readdirSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { inject } from "vitest";
import { errnoName } from "../../src/descriptors/errno.ts";
import { openPath } from "../../src/descriptors/files/file.ts";
import type { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import { readable } from "../../src/descriptors/poll.ts";
import { connectAt, FdSocket, listenAt, type Packet, socketpair } from "../../src/descriptors/sockets/fd-socket.ts";
import { type AgentInfo, decodeAgentInfo } from "../../src/protocol/agent-info.ts";
import { decodeMessage, encode, encodeMessage, encodeServe } from "../../src/protocol/codec.ts";
import { MAX_BATCH, Op, REPLY, TOKEN_BYTES } from "../../src/protocol/messages.ts";
import { type PipeRecord, RecordDecoder } from "../../src/protocol/records.ts";
import { afterEachFile } from "./cleanup.ts";
import { asUser } from "./machine.ts";
import { builtAgent, repository } from "./paths.ts";
import { removeDirectory } from "./remove-directory.ts";
import { textOf } from "./text-of.ts";

/**
 * The released agent; an agent with AddressSanitizer and UndefinedBehaviorSanitizer, whose system
 * call filter is wider; or an agent with glibc that is killed by any system call outside its list.
 */
export type Build = "release" | "asan" | "strict";
export const builds: Build[] = ["release", "asan", "strict"];

export interface AgentOptions {
  build?: Build;
  /** All arguments except the rendezvous: `["direct", "--target-pid", "7"]`. */
  args: string[];
  uid?: number;
  /**
   * A command that runs the agent, instead of `uid`: `["nsenter", "--target", "7", "--mount",
   * "--"]`. Then `args` start with the program.
   */
  through?: string[];
  /** Extra descriptors that the agent inherits. */
  inherits?: number[];
  /** Standard input of the agent; default: none. */
  input?: string;
  /** The host's answer to ANNOUNCE instead of SERVE with a listener. */
  serve?: (rendezvous: FdSocket) => void;
}

export interface Agent {
  /** Pid of the agent's first process. */
  pid: number;
  announced: AgentInfo;
  token: Uint8Array;
  /** Connects without a HELLO. */
  connect(): RawSession;
  /** Connects, and sends a HELLO. */
  session(): Promise<RawSession>;
  /** Resolves with the exit and the stderr of the agent. */
  ended: Promise<Ending>;
  stop(): Promise<void>;
}

export interface Ending {
  status: number | null;
  signal: string | null;
  words: string;
}

/** A reply with its errno, 0 for success. */
export interface RawReply {
  error: number;
  body: Uint8Array;
  descriptors: OwnedFd[];
}

const DEADLINE = { timeoutMs: 60_000 };
const running = new Set<() => Promise<void>>();

afterEachFile(async () => {
  for (const stop of running) await stop();
  running.clear();
});

/** Returns the path of a build. Makes the builds that only tests use. */
export function agentOf(build: Build): string {
  if (build === "release") return builtAgent;
  const { status, stderr } = spawnSync("make", ["-s", "-C", `${repository}agent`, build], { encoding: "utf8" });
  if (status !== 0) throw new Error(`make ${build}: ${stderr}`);
  return `${builtAgent}-${build}`;
}

/**
 * Starts an agent over a socketpair and passes it a listening socket. Throws the agent's message if
 * it ends.
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { build = "release", args, uid = 0, through, inherits = [], input, serve } = options;
  const directory = mkdtempSync(`${inject("machine").directory}/agent-`);
  const [ours, theirs] = socketpair();
  const [command = "", ...rest] = [...(through ?? [...asUser(uid), agentOf(build)]), ...args, "--fd", "3"];
  const child: ChildProcess = spawn(command, rest, {
    stdio: ["pipe", "ignore", "pipe", theirs.number, ...inherits],
    cwd: "/",
    env: { ...sanitiserOptions(directory), PATH: process.env.PATH },
  });
  theirs.close();
  child.stdin?.on("error", () => {}); // The agent may end without reading its input.
  child.stdin?.end(input);
  const words = textOf(child.stderr);
  const ended = new Promise<Ending>((resolve) => {
    child.once("close", (status, signal) => resolve({ status, signal, words: words() }));
  });
  const stop = async () => {
    running.delete(stop);
    child.kill("SIGTERM");
    await ended;
    const complaints = readdirSync(directory).filter((name) => name.startsWith("sanitiser"));
    const report = complaints.map((name) => readFileSync(join(directory, name), "utf8")).join("\n");
    removeDirectory(directory);
    if (report) throw new Error(report);
  };
  running.add(stop);

  const rendezvous = new FdSocket(ours, { maxDescriptors: 1 });
  const place = openPath(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const announcement = await receive(rendezvous);
    if (announcement === "end") throw new Error((await ended).words.trim());
    const { body, type, id } = decodeMessage(announcement.data, 0);
    if (type !== Op.announce || id !== 0) throw new Error(`message ${type}, id ${id} instead of ANNOUNCE`);
    const announced = decodeAgentInfo(body, TOKEN_BYTES);
    const token = Uint8Array.from(body.subarray(0, TOKEN_BYTES));
    const listener = listenAt(place, "socket", 0o600);
    if (serve) serve(rendezvous);
    else rendezvous.send(encodeServe(), [listener]);
    listener.close();
    const connect = () => {
      const from = openPath(directory, constants.O_RDONLY | constants.O_DIRECTORY);
      try {
        return new RawSession(new FdSocket(connectAt(from, "socket"), { maxDescriptors: MAX_BATCH }));
      } finally {
        from.close();
      }
    };
    const session = async () => {
      const connection = connect();
      await connection.must(Op.hello, encode.hello());
      return connection;
    };
    return { pid: announced.pid, announced, token, connect, session, ended, stop };
  } finally {
    rendezvous.close();
    place.close();
  }
}

/** A connection to an agent that sends arbitrary packets. */
export class RawSession {
  readonly socket: FdSocket;
  #id = 0;

  constructor(socket: FdSocket) {
    this.socket = socket;
  }

  /** Sends without waiting; returns the request's id. */
  send(type: number, body: Uint8Array): number {
    this.#id++;
    this.raw(encodeMessage(type, this.#id, body));
    return this.#id;
  }

  raw(packet: Uint8Array, descriptors: OwnedFd[] = []): void {
    if (!this.socket.send(packet, descriptors)) throw new Error("the agent's queue is full");
  }

  /** Receives the next packet's fields, or "end". */
  async receive(): Promise<(RawReply & { id: number; type: number }) | "end"> {
    const packet = await receive(this.socket);
    if (packet === "end") return "end";
    const { id, type, error, body } = decodeMessage(packet.data, packet.descriptors.length);
    return { id, type, error, body: Uint8Array.from(body), descriptors: packet.descriptors };
  }

  async request(type: number, body: Uint8Array): Promise<RawReply> {
    const id = this.send(type, body);
    const reply = await this.receive();
    if (reply === "end") throw new Error(`the session ended on request ${type}`);
    if (reply.id !== id || reply.type !== (type | REPLY)) throw new Error(`reply ${reply.type} to ${reply.id}`);
    return reply;
  }

  /** Like {@link request}, but throws any errno. */
  async must(type: number, body: Uint8Array): Promise<RawReply> {
    const reply = await this.request(type, body);
    if (reply.error !== 0) throw new Error(`request ${type}: ${nameOf(reply.error)}`);
    return reply;
  }

  async failure(type: number, body: Uint8Array): Promise<string> {
    const { error, descriptors } = await this.request(type, body);
    for (const descriptor of descriptors) descriptor.close();
    return nameOf(error);
  }

  /** Returns the descriptor of a reply that has exactly one. */
  async descriptor(type: number, body: Uint8Array): Promise<OwnedFd> {
    const { descriptors } = await this.must(type, body);
    const [fd] = descriptors;
    if (fd === undefined) throw new Error(`request ${type}: no descriptor`);
    return fd;
  }

  /** Returns all records of a pipe; throws if it is truncated. */
  async records(type: number, body: Uint8Array): Promise<{ records: PipeRecord[]; error: number }> {
    const decoder = new RecordDecoder();
    const records = decoder.push(await drain(await this.descriptor(type, body)));
    return { records, error: decoder.end() };
  }

  close(): void {
    this.socket.close();
  }
}

/** Reads to the end and closes the descriptor. */
export async function drain(fd: OwnedFd): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const isPipe = fstatSync(fd.number).isFIFO();
  try {
    for (;;) {
      const chunk = Buffer.alloc(65_536);
      if (isPipe) await readable(fd, DEADLINE);
      const size = readSync(fd.number, chunk);
      if (size === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, size));
    }
  } finally {
    fd.close();
  }
}

export function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}

/** Returns the name of an errno, such as `ENOENT` for 2. */
export function nameOf(error: number): string {
  return error === 0 ? "success" : errnoName(error);
}

async function receive(socket: FdSocket): Promise<Packet | "end"> {
  for (;;) {
    const packet = socket.receive();
    if (packet !== "again") return packet;
    await readable(socket.fd, DEADLINE);
  }
}

/**
 * Returns options that write sanitiser reports to a file: the agent's stderr is /dev/null while it
 * serves.
 */
function sanitiserOptions(directory: string): Record<string, string> {
  const log = `log_path=${directory}/sanitiser`;
  // The leak check would attach to its own process, which is not dumpable.
  return { ASAN_OPTIONS: `detect_leaks=0:${log}`, UBSAN_OPTIONS: `print_stacktrace=1:${log}` };
}
