import { setTimeout } from "node:timers/promises";
import { AT_END, type FollowEvent, type Generation } from "./follow.ts";
import { type Identity, isSameFile } from "./machine.ts";
import type { Fingerprint } from "./offsets/fingerprint.ts";

/** A file that was opened at an offset, and can be read only once and sequentially. */
export interface PolledFile extends Generation {
  /**
   * The bytes from that offset to the end. Rejects if they are truncated, and when `signal` aborts.
   */
  bytes(signal: AbortSignal): AsyncIterable<Uint8Array>;
  close(): void;
}

/** A path that can only be followed by reopening it. */
export interface PolledSource {
  /**
   * Undefined if the path does not exist. Rejects after its own deadline if the server does not
   * respond.
   */
  open(offset: number): Promise<PolledFile | undefined>;
  /** The error to report while an open file's bytes do not arrive. */
  silence(): unknown;
}

/** Options of {@link followByPolling}. */
export interface PollOptions {
  /** The last generation that was read; undefined if there was none. */
  identity: Identity | undefined;
  /** Fingerprint of the data read so far: the follow continues after it and updates it. */
  read: Fingerprint;
  /** As in {@link FollowOptions}. */
  signal?: AbortSignal | undefined;
  /** Milliseconds between the end of one poll and the next. Default 1000. */
  intervalMs?: number | undefined;
  /**
   * Milliseconds without data after which the file is reported as unreachable; the poll continues
   * to wait. Default 10,000.
   */
  silentMs?: number | undefined;
}

type PollEvent = FollowEvent<PolledFile>;

/**
 * Follows a file by reopening it for each poll, a little before the position. If the bytes before
 * the position are still there, the file has grown or is unchanged. Otherwise it was truncated,
 * rewritten or replaced, and is read from the start. Size and inode number do not decide: a remote
 * file system may report an old size and reuse a number. Data written between the last poll and a
 * replacement is lost.
 */
export async function* followByPolling(
  source: PolledSource,
  options: PollOptions,
): AsyncGenerator<PollEvent, void, void> {
  const { signal, intervalMs = 1000 } = options;
  const isOver = () => signal?.aborted === true && signal.reason !== AT_END;
  const poll = new Poll(source, options);
  try {
    for (let isLast = false; !isOver() && !isLast; ) {
      isLast = signal?.aborted === true;
      try {
        // Reads a replaced file at once.
        while ((yield* poll.look()) && !isOver());
      } catch (error) {
        if (isOver()) return;
        yield* poll.trouble(error);
      }
      if (!isLast) await pause(intervalMs, signal);
    }
  } finally {
    poll.end();
  }
}

class Poll {
  readonly #source: PolledSource;
  readonly #read: Fingerprint;
  readonly #signal: AbortSignal | undefined;
  readonly #silentMs: number;
  readonly #stop = new AbortController();
  #identity: Identity | undefined;
  /**
   * `once`: the last poll found no file. `reported`: that was reported, or there was no file at the
   * start.
   */
  #missing: "no" | "once" | "reported";
  #isTrouble = false;

  constructor(source: PolledSource, { read, identity, signal, silentMs = 10_000 }: PollOptions) {
    this.#source = source;
    this.#read = read;
    this.#identity = identity;
    this.#missing = identity === undefined ? "reported" : "no";
    this.#signal = signal;
    this.#silentMs = silentMs;
    if (signal?.aborted) this.#onAbort();
    signal?.addEventListener("abort", this.#onAbort);
  }

  /** Aborts the read in progress. */
  end(): void {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#stop.abort();
  }

  readonly #onAbort = () => {
    if (this.#signal?.reason !== AT_END) this.#stop.abort();
  };

  /** Reads new data. Returns true if the file must be read again from its start. */
  async *look(): AsyncGenerator<PollEvent, boolean, void> {
    const known = this.#read.before;
    const file = await this.#source.open(this.#read.position - known.length);
    if (file === undefined) {
      yield* this.#calm();
      // During a replacement the file may be missing briefly.
      if (this.#missing === "once") yield { kind: "deleted" };
      this.#missing = this.#missing === "no" ? "once" : "reported";
      return false;
    }
    try {
      const isIntact = yield* this.#readOn(file, known);
      if (isIntact || this.#missing === "reported") yield* this.#returned(file, isIntact && known.length > 0);
      else if (isSameFile(file.identity, this.#identity)) yield { kind: "truncated", unread: 0 };
      else yield { kind: "rotated", file, continues: false };
      if (!isIntact) this.#read.forget();
      this.#missing = "no";
      this.#identity = file.identity;
      return !isIntact;
    } finally {
      file.close();
    }
  }

  /** Reports an error once, until the next success. */
  async *trouble(error: unknown): AsyncGenerator<PollEvent, void, void> {
    if (!this.#isTrouble) yield { kind: "unreachable", error };
    this.#isTrouble = true;
  }

  async *#calm(): AsyncGenerator<PollEvent, void, void> {
    if (this.#isTrouble) yield { kind: "reachable" };
    this.#isTrouble = false;
  }

  async *#returned(file: PolledFile, continues: boolean): AsyncGenerator<PollEvent, void, void> {
    if (this.#missing === "reported")
      yield continues ? { kind: "returned", continues } : { kind: "returned", file, continues };
    this.#missing = "no";
  }

  /** Reads the data after the known bytes. Returns false if those differ. */
  async *#readOn(file: PolledFile, known: Buffer): AsyncGenerator<PollEvent, boolean, void> {
    let compared = 0;
    const pieces = file.bytes(this.#stop.signal)[Symbol.asyncIterator]();
    for (;;) {
      const piece = yield* this.#arrival(pieces.next());
      if (piece.done) return compared === known.length;
      const expected = known.subarray(compared, compared + piece.value.length);
      if (!expected.equals(piece.value.subarray(0, expected.length))) return false;
      compared += expected.length;
      const bytes = piece.value.subarray(expected.length);
      if (bytes.length === 0) continue;
      yield* this.#returned(file, known.length > 0);
      const { position } = this.#read;
      this.#read.advance(bytes);
      yield { kind: "data", bytes, position };
    }
  }

  /** Waits for data, without a limit. */
  async *#arrival<T>(coming: Promise<T>): AsyncGenerator<PollEvent, T, void> {
    coming.catch(() => undefined); // handled below unless the consumer ended the loop
    for (;;) {
      const hasCome = new AbortController();
      const arrived = await Promise.race([
        coming.then((it) => ({ it })),
        pause(this.#silentMs, hasCome.signal),
      ]).finally(() => hasCome.abort());
      if (arrived) {
        yield* this.#calm();
        return arrived.it;
      }
      const silence = this.#source.silence();
      // Stops waiting at the end of the follow.
      if (this.#signal?.aborted) throw silence;
      yield* this.trouble(silence);
    }
  }
}

/** Resolves after `milliseconds`, or when `signal` aborts. */
function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return setTimeout(milliseconds, undefined, { signal }).catch(() => undefined);
}
