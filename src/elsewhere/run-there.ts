import type { Readable } from "node:stream";
import { drained } from "./drained.ts";
import { AGENT_IN_IMAGE, COMMAND_IN_IMAGE, NODE_IN_IMAGE } from "./installation.ts";
import type { Place, PlaceProcess } from "./place.ts";
import { HEARTBEAT_MS, Pulse } from "./pulse.ts";

/** Type of a standard stream of a remote command. */
export type StreamKind = "null" | "pipe" | "terminal";

/** The standard streams of a remote command, and the local events that it receives. */
export interface Streams {
  kinds: readonly [stdin: StreamKind, stdout: StreamKind, stderr: StreamKind];
  /** Source of the command's standard input, unless that is `null`. */
  input: Readable | undefined;
  /**
   * Accepts bytes of the command's standard output (1) or error (2). A promise delays the next
   * bytes.
   */
  write(fd: 1 | 2, bytes: Buffer): void | Promise<void>;
  /** The size of the terminal, in columns and rows. */
  size(): { columns: number; rows: number };
  /**
   * Registers callbacks for a change of the terminal's size and for signals of this process. Called
   * when the command has started.
   */
  listen(events: { resized(): void; signalled(number: number): void }): void;
  /** Environment variables for the command. */
  environment: Readonly<Record<string, string>>;
  signal: AbortSignal;
}

/** How a command ended. */
export type PlaceEnd = { status: number } | { signal: number };

/**
 * Runs `porthole ARGS` in a place, with local streams and signals. Resolves when the command has
 * ended and all its output is written.
 * @throws PortholeError SESSION if the connection ended first; as {@link Place.start}
 */
export async function runThere(place: Place, args: readonly string[], streams: Streams): Promise<PlaceEnd> {
  const process = await place.start(commandLine(args, streams), streams.signal);
  try {
    return await endOf(process, streams);
  } finally {
    process.close();
  }
}

async function endOf(process: PlaceProcess, streams: Streams): Promise<PlaceEnd> {
  using pulse = new Pulse(() => process.close());
  const frames = new Frames(process);
  streams.listen({
    resized: () => frames.resize(streams.size()),
    signalled: (number) => frames.signal(number),
  });
  if (streams.input !== undefined) void forward(streams.input, frames);
  const end = new EndFinder(
    (bytes) => streams.write(2, bytes),
    () => pulse.begin(),
  );
  await Promise.all([
    eachPiece(process.stdout, pulse, (bytes) => streams.write(1, bytes)),
    eachPiece(process.stderr, pulse, (bytes) => end.take(bytes)),
  ]);
  const found = end.found();
  if (found === undefined) throw process.lost();
  return found;
}

/** The arguments of `agent/remote.c`. */
function commandLine(args: readonly string[], streams: Streams): string[] {
  const { columns, rows } = streams.size();
  const kinds = streams.kinds.map(([letter]) => letter).join("");
  const variables = Object.entries(streams.environment).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
  const heartbeat = ["-e", `PORTHOLE_BEAT_MS=${HEARTBEAT_MS}`];
  const options = ["-s", kinds, "-w", `${columns}x${rows}`, ...heartbeat, ...variables];
  return [AGENT_IN_IMAGE, "remote", ...options, "--", NODE_IN_IMAGE, COMMAND_IN_IMAGE, ...args];
}

/** Writes the frames of `agent/remote.c`. */
class Frames {
  readonly #process: PlaceProcess;

  constructor(process: PlaceProcess) {
    this.#process = process;
    // Ignores the error: the end of the output streams reports a lost connection.
    process.stdin.on("error", () => undefined);
  }

  /** Sends bytes of standard input. Resolves when the stream accepts more. */
  data(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; at += MAX_FRAME) this.#write("d", bytes.subarray(at, at + MAX_FRAME));
    return drained(this.#process.stdin);
  }

  end(): void {
    this.#write("e", Buffer.alloc(0));
  }

  signal(number: number): void {
    this.#write("s", Buffer.from([number]));
  }

  resize({ columns, rows }: { columns: number; rows: number }): void {
    const size = Buffer.alloc(4);
    size.writeUInt16BE(columns, 0);
    size.writeUInt16BE(rows, 2);
    this.#write("w", size);
  }

  #write(kind: string, payload: Buffer): void {
    const head = Buffer.alloc(5);
    head.write(kind, "latin1");
    head.writeUInt32BE(payload.length, 1);
    if (this.#process.stdin.writable) this.#process.stdin.write(Buffer.concat([head, payload]));
  }
}

/** Maximum bytes of a frame's payload, as in agent/remote.c. */
const MAX_FRAME = 65_536;

async function forward(input: Readable, frames: Frames): Promise<void> {
  try {
    for await (const bytes of input) await frames.data(bytes as Buffer);
  } catch {
    // A read error ends the input like the end of the file.
  }
  frames.end();
}

async function eachPiece(
  stream: Readable,
  pulse: Pulse,
  action: (bytes: Buffer) => void | Promise<void>,
): Promise<void> {
  for await (const bytes of stream) await pulse.during(action(bytes as Buffer));
}

/**
 * Finds the heartbeats in the standard error of a command, and its exit status or signal in the
 * last bytes.
 */
export class EndFinder {
  readonly #pass: (bytes: Buffer) => void | Promise<void>;
  readonly #alive: () => void;
  #held = Buffer.alloc(0);

  /** @param alive called for heartbeats */
  constructor(pass: (bytes: Buffer) => void | Promise<void>, alive: () => void = () => undefined) {
    this.#pass = pass;
    this.#alive = alive;
  }

  /** Passes bytes on as soon as they cannot belong to a marker. */
  async take(bytes: Buffer): Promise<void> {
    const all = this.#withoutHeartbeats(Buffer.concat([this.#held, bytes]));
    const at = all.lastIndexOf(0);
    const isPending = at !== -1 && mayBeEnd(all.toString("latin1", at));
    const length = isPending ? at : all.length;
    this.#held = Buffer.from(all.subarray(length));
    if (length > 0) await this.#pass(all.subarray(0, length));
  }

  #withoutHeartbeats(bytes: Buffer): Buffer {
    if (!bytes.includes(ALIVE)) return bytes;
    this.#alive();
    return Buffer.from(bytes.toString("latin1").replaceAll(ALIVE, ""), "latin1");
  }

  /** Returns how the command ended, once the stream has ended; undefined without an end marker. */
  found(): PlaceEnd | undefined {
    const [, how, number] = /^\0porthole-end (exit|signal) (\d+)\n$/.exec(this.#held.toString("latin1")) ?? [];
    if (how === undefined) return undefined;
    return how === "exit" ? { status: Number(number) } : { signal: Number(number) };
  }
}

const END = "\0porthole-end ";
const ALIVE = "\0porthole-alive\n";

/** True for the end marker, and for any beginning of a marker. */
function mayBeEnd(text: string): boolean {
  if (ALIVE.startsWith(text)) return true;
  return END.startsWith(text) || (text.startsWith(END) && /^[a-z]{0,6}( \d{0,3}\n?)?$/.test(text.slice(END.length)));
}
