import type { Fingerprint } from "./fingerprint.ts";
import { AT_END, type FollowEvent, type Generation } from "./follow.ts";
import { type Identity, isSameFile } from "./machine.ts";

/** One opening of a file whose bytes come one after the other and once. */
export interface PolledFile extends Generation {
  /** The bytes from the offset of the opening to the end. Rejects where they were cut off before, and when `signal` aborts. */
  bytes(signal: AbortSignal): AsyncIterable<Uint8Array>;
  close(): void;
}

/** A path that can only be followed by opening it again and again. */
export interface PolledSource {
  /** Undefined when the path names nothing. Rejects by a deadline of its own where nobody answers. */
  open(offset: number): Promise<PolledFile | undefined>;
  /** What is said to be the matter when an open file's bytes do not come. */
  silence(): unknown;
}

/** Options of {@link followByPolling}. */
export interface PollOptions {
  /** The generation that was read until now; undefined when there was none. */
  identity: Identity | undefined;
  /** What was read of it: the follow goes on from there, and keeps it up. */
  read: Fingerprint;
  /** As in {@link FollowOptions}. */
  signal?: AbortSignal | undefined;
  /** Milliseconds from the end of one look to the next. Default 1000. */
  intervalMs?: number | undefined;
  /** Milliseconds without an answer after which that is said; the answer is waited for all the same. Default 10,000. */
  silentMs?: number | undefined;
}

type PollEvent = FollowEvent<PolledFile>;

/**
 * Follows a file that is opened anew for each look, a little before the end of what was read. Where these last bytes are there still, it has grown or is
 * as it was; else it was cut, written anew or replaced, and is read from its beginning. Neither its size nor its inode's number decides, for a remote
 * file system may be late with the one and free with the other. What was written between the last look and a replacement is lost.
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
        // What takes the place of what was read is read at once.
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
  /** The last look found nothing; `told`, or nothing was there to begin with. */
  #missing: "no" | "once" | "told";
  #isTrouble = false;

  constructor(source: PolledSource, { read, identity, signal, silentMs = 10_000 }: PollOptions) {
    this.#source = source;
    this.#read = read;
    this.#identity = identity;
    this.#missing = identity === undefined ? "told" : "no";
    this.#signal = signal;
    this.#silentMs = silentMs;
    if (signal?.aborted) this.#onAbort();
    signal?.addEventListener("abort", this.#onAbort);
  }

  /** Ends the bytes that are waited for. */
  end(): void {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#stop.abort();
  }

  readonly #onAbort = () => {
    if (this.#signal?.reason !== AT_END) this.#stop.abort();
  };

  /** Reads what has come. Returns true when the file is to be read anew, from its beginning. */
  async *look(): AsyncGenerator<PollEvent, boolean, void> {
    const known = this.#read.before;
    const file = await this.#source.open(this.#read.position - known.length);
    if (file === undefined) {
      yield* this.#calm();
      // Replacing a file may leave a moment without one.
      if (this.#missing === "once") yield { kind: "deleted" };
      this.#missing = this.#missing === "no" ? "once" : "told";
      return false;
    }
    try {
      const isIntact = yield* this.#readOn(file, known);
      if (isIntact || this.#missing === "told") yield* this.#returned(file, isIntact && known.length > 0);
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

  /** Says what is the matter, once until it is over. */
  async *trouble(error: unknown): AsyncGenerator<PollEvent, void, void> {
    if (!this.#isTrouble) yield { kind: "unreachable", error };
    this.#isTrouble = true;
  }

  async *#calm(): AsyncGenerator<PollEvent, void, void> {
    if (this.#isTrouble) yield { kind: "reachable" };
    this.#isTrouble = false;
  }

  async *#returned(file: PolledFile, continues: boolean): AsyncGenerator<PollEvent, void, void> {
    if (this.#missing === "told")
      yield continues ? { kind: "returned", continues } : { kind: "returned", file, continues };
    this.#missing = "no";
  }

  /** Reads what comes after the bytes that are known. Returns false when these are not there any more. */
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

  /** What comes, however late. */
  async *#arrival<T>(coming: Promise<T>): AsyncGenerator<PollEvent, T, void> {
    coming.catch(() => undefined); // it is met below, unless nobody waits for it any more
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
      // Nothing more is there to be read.
      if (this.#signal?.aborted) throw silence;
      yield* this.trouble(silence);
    }
  }
}

/** Resolves after so many milliseconds, or when `signal` aborts. */
function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    if (signal?.aborted) done();
    signal?.addEventListener("abort", done);
  });
}
