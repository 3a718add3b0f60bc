import { PortholeError } from "../../errors.ts";
import { isGone, RESPONSE_TIMEOUT_MS, unreachable } from "../api/engine.ts";
import { isOfPod } from "../api/engine-address.ts";
import { HttpStatusError, httpBody } from "../api/http.ts";
import type { OutputContainer, OutputOptions, OutputRecord } from "../containers/output-record.ts";
import { inspectContainer } from "../lookup/resolve.ts";

export type { OutputContainer, OutputOptions, OutputRecord } from "../containers/output-record.ts";

/**
 * Finds a container by name, running or not.
 * @throws PortholeError TARGET, also if its engine stores no output
 */
export async function outputContainer(
  name: string,
  explicitEngine: string | undefined,
  signal?: AbortSignal,
): Promise<OutputContainer> {
  if (isOfPod(name, explicitEngine)) {
    const { podOutput } = await import("../cri/resolve-pod.ts");
    return podOutput(name, explicitEngine, signal);
  }
  const { engine, answer } = await inspectContainer(name, explicitEngine, signal);
  const shown = answer.name || name;
  if (answer.logDriver === "none") {
    throw new PortholeError("TARGET", `container '${shown}' has no stored output: its log driver is 'none'`, {
      hint: "recreate the container with another driver, such as --log-driver json-file",
    });
  }
  const { id, startedAt, exitCode, isPodman, hasTerminal, rotatesLog } = answer;
  const isRunning = answer.isRunning || answer.isPaused;
  return { engine, id, name: shown, isRunning, startedAt, exitCode, isPodman, hasTerminal, rotatesLog };
}

/**
 * Reads a container's output, oldest first, from its engine (GET /containers/ID/logs) or from its
 * node's log files.
 * @throws PortholeError TARGET with the engine's message; CANCELLED
 */
export async function* outputRecords(
  container: OutputContainer,
  options: OutputOptions,
): AsyncGenerator<OutputRecord, void, void> {
  const { hasTerminal, isPodman, log } = container;
  if (log !== undefined) {
    const { logRecords } = await import("../cri/log-records.ts");
    return yield* logRecords(log, options);
  }
  const { timestamps = false } = options;
  const cut = hasTerminal ? new TerminalCutter(isPodman, timestamps) : new FrameCutter();
  const record = ({ stream, bytes }: Framed) =>
    timestamps ? { stream, ...splitTime(bytes) } : { stream, time: undefined, bytes };
  for await (const piece of answerOf(container, options)) for (const frame of cut.push(piece)) yield record(frame);
  for (const frame of cut.end()) yield record(frame);
}

async function* answerOf(container: OutputContainer, options: OutputOptions): AsyncGenerator<Buffer, void, void> {
  const { engine, name } = container;
  const { signal } = options;
  try {
    yield* httpBody(engine.socketPath, logsPath(container, options), { timeoutMs: RESPONSE_TIMEOUT_MS, signal });
  } catch (error) {
    if (signal.aborted) throw error;
    if (!(error instanceof HttpStatusError)) throw unreachable(engine, error);
    const { status, serverMessage, hint } = error;
    // Docker's response for a container that is being removed.
    if (isGone(status ?? 0, serverMessage) || (status === 409 && /removal|dead/.test(serverMessage ?? "")))
      throw beingRemoved(name);
    throw new PortholeError(
      "TARGET",
      `the engine cannot return the output of '${name}': ${serverMessage ?? error.message}`,
      { hint, cause: error },
    );
  }
}

function beingRemoved(name: string): PortholeError {
  return new PortholeError("TARGET", `container '${name}' is being removed`, { errno: "ESRCH" });
}

function logsPath({ id, hasTerminal }: OutputContainer, options: OutputOptions): string {
  const { path, timestamps, follow, since, tail } = options;
  const query = new URLSearchParams({
    // With a terminal, all output is stdout.
    stdout: String(path !== "@stderr" || hasTerminal),
    stderr: String(path !== "@stdout"),
    timestamps: String(timestamps === true),
    follow: String(follow === true),
    tail: tail === undefined ? "all" : String(tail),
  });
  if (since !== undefined && since > 0n)
    query.set("since", `${since / 1_000_000_000n}.${String(since % 1_000_000_000n).padStart(9, "0")}`);
  return `/containers/${id}/logs?${query}`;
}

interface Framed {
  stream: "stdout" | "stderr";
  bytes: Buffer;
}

/** Size of a frame header in bytes: stream, three zeroes, length (big-endian). */
const HEADER = 8;
/** Maximum size of a frame: engines split lines at 16 KiB. */
const MAX_FRAME = 16 * 1024 * 1024;

/** Splits a response into the engine's frames. */
class FrameCutter {
  #held: Buffer[] = [];
  #length = 0;
  /** Bytes up to the end of the next frame. */
  #needs = HEADER;

  push(piece: Buffer): Framed[] {
    this.#held.push(piece);
    this.#length += piece.length;
    if (this.#length < this.#needs) return [];
    const all = this.#held.length === 1 ? piece : Buffer.concat(this.#held);
    const frames: Framed[] = [];
    let at = 0;
    this.#needs = HEADER;
    while (at + HEADER <= all.length) {
      const length = all.readUInt32BE(at + 4);
      if ((all[at] ?? 0) > 2 || all.readUIntBE(at + 1, 3) !== 0 || length > MAX_FRAME)
        throw new PortholeError("TARGET", "invalid response: not a multiplexed stream");
      if (at + HEADER + length > all.length) {
        this.#needs = HEADER + length;
        break;
      }
      const bytes = all.subarray(at + HEADER, at + HEADER + length);
      frames.push({ stream: all[at] === 2 ? "stderr" : "stdout", bytes });
      at += HEADER + length;
    }
    this.#held = [all.subarray(at)];
    this.#length = all.length - at;
    return frames;
  }

  /** Drops a truncated frame. */
  end(): Framed[] {
    return [];
  }
}

/** A terminal's output has no frames, except from some versions of Podman. */
class TerminalCutter {
  readonly #maybeFramed: boolean;
  readonly #byLine: boolean;
  #frames: FrameCutter | undefined;
  #begun = false;
  #rest = Buffer.alloc(0);

  constructor(maybeFramed: boolean, byLine: boolean) {
    this.#maybeFramed = maybeFramed;
    this.#byLine = byLine;
  }

  push(piece: Buffer): Framed[] {
    if (piece.length === 0) return [];
    if (!this.#begun) {
      this.#begun = true;
      const isFramed = piece.length >= HEADER && (piece[0] ?? 9) <= 2 && piece.readUIntBE(1, 3) === 0;
      if (this.#maybeFramed && isFramed) this.#frames = new FrameCutter();
    }
    if (this.#frames) return this.#frames.push(piece);
    if (!this.#byLine) return [{ stream: "stdout", bytes: piece }];
    const all = Buffer.concat([this.#rest, piece]);
    const lines: Framed[] = [];
    let from = 0;
    for (let at = all.indexOf(10); at !== -1; at = all.indexOf(10, from)) {
      lines.push({ stream: "stdout", bytes: all.subarray(from, at + 1) });
      from = at + 1;
    }
    this.#rest = all.subarray(from);
    return lines;
  }

  end(): Framed[] {
    return this.#rest.length > 0 ? [{ stream: "stdout", bytes: this.#rest }] : [];
  }
}

const STAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) /;

/** Splits the engine's timestamp from a record. */
function splitTime(bytes: Buffer): { time: bigint | undefined; bytes: Buffer } {
  const match = STAMP.exec(bytes.toString("latin1", 0, 40));
  if (match === null) return { time: undefined, bytes };
  const [whole, seconds, fraction = "", zone] = match;
  const time = BigInt(Date.parse(`${seconds}${zone}`)) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
  return { time, bytes: bytes.subarray(whole.length) };
}
