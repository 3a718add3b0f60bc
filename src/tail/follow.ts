import { Fingerprint } from "./fingerprint.ts";
import { FollowMachine, type Identity } from "./machine.ts";

/** One generation of a followed file: an open descriptor of a regular file. */
export interface FollowFile {
  readonly identity: Identity;
  /** fstat(2): bytes, and any number that changes when the file is written (mtime in milliseconds). */
  stat(): { size: number; modified: number };
  /** pread(2): up to `buffer.length` bytes at `position`, 0 at the end. */
  read(position: number, buffer: Uint8Array): number;
  close(): void | Promise<void>;
}

/** A path that is followed, with everything outside the engine injected. */
export interface FollowSource<File extends FollowFile = FollowFile> {
  /** The generation to begin with. The caller goes on owning it. */
  readonly file: File;
  /** What the path names now, undefined when nothing. Rejects when that cannot be asked (session lost): following goes on meanwhile. */
  locate(): Promise<Identity | undefined>;
  /** Opens the path anew; undefined when nothing is there any more. {@link follow} closes what it got from here. */
  reopen(): Promise<File | undefined>;
  /** Calls back when inotify reports a write to the file (`content`), or a change of its name or its directory (`name`). Returns the unsubscribe. */
  onChange?(listener: (what: "content" | "name") => void): () => void;
}

export type FollowEvent<File extends FollowFile = FollowFile> =
  /** Bytes in order; the array is the consumer's. */
  | { kind: "data"; bytes: Uint8Array; position: number }
  /** With `contents: false`: the file has grown to `size`. */
  | { kind: "grown"; size: number }
  /** The file was cut or written anew in place; what follows is from its beginning. */
  | { kind: "truncated" }
  /** The path names another file, the old one is drained; what follows is from the beginning of `file`. The old one is closed at the next pull. */
  | { kind: "rotated"; file: File }
  /** The path names nothing; the open file is still read. */
  | { kind: "deleted" }
  /** The path names something again: `file` when it is another file, read from its beginning. */
  | { kind: "returned"; file?: File }
  /** The path cannot be asked about. Said once, until it can again. */
  | { kind: "unreachable"; error: unknown }
  | { kind: "reachable" };

export interface FollowOptions {
  /** Byte offset to begin at. */
  position: number;
  /** False: say that the file has grown instead of reading it (a screen reads for itself). Default true. */
  contents?: boolean;
  signal?: AbortSignal;
  /** Safety net beside inotify, whose events older overlayfs drops. Default 250. */
  intervalMs?: number;
  /** How long a rotated file must be quiet before it is left. Default 250. */
  drainMs?: number;
}

/** Largest piece of data in one event. */
const CHUNK = 64 * 1024;

/** New generations that may wait while the consumer does not pull. Rotations beyond that are seen when there is room again. */
const MAX_QUEUED = 32;

/**
 * Follows a file through growth, truncation, rotation, deletion and return. Nothing is read before the consumer asks for the next event, but new
 * generations are opened as they appear, so that none is lost while the consumer is slow. Ends when `signal` aborts; leaving the loop ends
 * it too. Descriptors from `reopen` are closed by then, the last one included.
 */
export async function* follow<File extends FollowFile>(
  source: FollowSource<File>,
  options: FollowOptions,
): AsyncGenerator<FollowEvent<File>, void, void> {
  const { signal, intervalMs = 250, drainMs = 250, contents = true } = options;
  const machine = new FollowMachine(source.file.identity, options.position, drainMs);
  const waker = new Waker();
  const path = new PathObserver(source, machine, waker);
  const onChange = (what: "content" | "name") => (what === "name" ? void path.check() : waker.wake());
  const unsubscribe = source.onChange?.(onChange);
  // The reader looks at every tick even when the question about the path hangs.
  const timer = setInterval(() => {
    void path.check();
    waker.wake();
  }, intervalMs);
  const onAbort = () => waker.wake();
  signal?.addEventListener("abort", onAbort);
  let reader = new Reader(source.file, machine.position);
  /** The generation before the reader's, kept until the consumer has heard of the change. */
  let left: File | undefined;
  try {
    while (!signal?.aborted) {
      await closeUnless(source.file, left);
      left = undefined;
      const trouble = path.takeTrouble();
      if (trouble) {
        yield trouble;
        continue;
      }
      const step = machine.look(reader.look());
      switch (step.kind) {
        case "wait":
          await waker.wait();
          break;
        case "read": {
          if (contents) {
            const bytes = reader.read(step.position, Math.min(step.available, CHUNK));
            machine.advance(bytes.length);
            reader.remember(machine.position);
            if (bytes.length > 0) yield { kind: "data", bytes, position: step.position };
            else await waker.wait();
          } else {
            machine.advance(step.available);
            reader.remember(machine.position);
            yield { kind: "grown", size: machine.position };
          }
          break;
        }
        case "truncated":
          reader.remember(0);
          yield { kind: "truncated" };
          break;
        case "switch": {
          const file = path.queue.shift();
          if (!file) throw new Error("the follow queue and its machine disagree");
          left = reader.file;
          // After a restart the same file may come back on another device number: then its content goes on where it was.
          const goesOn = file.identity.inode === left.identity.inode && reader.matches(file);
          if (goesOn) machine.position = reader.position;
          reader = new Reader(file, machine.position);
          yield { kind: step.afterDeletion ? "returned" : "rotated", file };
          break;
        }
        default:
          yield step;
      }
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
    clearInterval(timer);
    unsubscribe?.();
    await path.close();
    await closeUnless(source.file, left);
    await closeUnless(source.file, reader.file);
  }
}

/** Closes what came from `reopen`; the first file is the caller's. */
async function closeUnless(callers: FollowFile, file: FollowFile | undefined): Promise<void> {
  if (file !== callers) await file?.close();
}

/** Reads one generation and knows whether what it read is still there. */
class Reader<File extends FollowFile> {
  readonly file: File;
  readonly #fingerprint = new Fingerprint();
  readonly #readAt = (position: number, buffer: Uint8Array) => this.file.read(position, buffer);
  #seen: { size: number; modified: number } | undefined;
  position: number;

  constructor(file: File, position: number) {
    this.file = file;
    this.position = position;
    this.#fingerprint.remember(this.#readAt, position);
  }

  look() {
    const stat = this.file.stat();
    const changed = stat.size !== this.#seen?.size || stat.modified !== this.#seen.modified;
    this.#seen = stat;
    return { size: stat.size, intact: !changed || this.#fingerprint.matches(this.#readAt), now: performance.now() };
  }

  read(position: number, length: number): Uint8Array {
    const buffer = new Uint8Array(length);
    return buffer.subarray(0, this.file.read(position, buffer));
  }

  /** `position` is what has been taken; 0 begins anew. */
  remember(position: number): void {
    if (position === 0) this.#fingerprint.forget();
    this.#fingerprint.remember(this.#readAt, position);
    this.position = position;
  }

  matches(other: FollowFile): boolean {
    return this.position > 0 && this.#fingerprint.matches((position, buffer) => other.read(position, buffer));
  }
}

/** Keeps up with what the path names and opens each new generation at once. */
class PathObserver<File extends FollowFile> {
  readonly queue: File[] = [];
  readonly #source: FollowSource<File>;
  readonly #machine: FollowMachine;
  readonly #waker: Waker;
  #busy: Promise<void> | undefined;
  #again = false;
  #closed = false;
  #failing = false;
  #trouble: { kind: "unreachable"; error: unknown } | { kind: "reachable" } | undefined;

  constructor(source: FollowSource<File>, machine: FollowMachine, waker: Waker) {
    this.#source = source;
    this.#machine = machine;
    this.#waker = waker;
  }

  /** One check at a time; a call during one makes it look again, so that no change falls between. Never rejects. */
  async check(): Promise<void> {
    this.#again = true;
    if (this.#busy) return;
    this.#busy = this.#checkUntilSettled();
    await this.#busy;
    this.#busy = undefined;
    this.#waker.wake();
  }

  takeTrouble() {
    const trouble = this.#trouble;
    this.#trouble = undefined;
    return trouble;
  }

  /** Stops, and closes the generations that nobody has taken. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#busy;
    for (const file of this.queue.splice(0)) await file.close();
  }

  async #checkUntilSettled(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false;
      try {
        await this.#look();
        if (this.#failing) this.#trouble = { kind: "reachable" };
        this.#failing = false;
      } catch (error) {
        if (!this.#failing) this.#trouble = { kind: "unreachable", error };
        this.#failing = true;
      }
    }
  }

  async #look(): Promise<void> {
    const identity = await this.#source.locate();
    if (this.queue.length >= MAX_QUEUED || !this.#machine.pathSeen(identity, performance.now())) return;
    const file = await this.#source.reopen();
    if (!file) return void this.#machine.pathSeen(undefined, performance.now());
    if (!this.#closed && this.#machine.opened(file.identity)) this.queue.push(file);
    else await file.close();
  }
}

/** Lets one waiter sleep until something happened; what happens while nobody waits is not lost. */
class Waker {
  #pending = false;
  #resolve: (() => void) | undefined;

  wake(): void {
    this.#pending = true;
    this.#resolve?.();
  }

  async wait(): Promise<void> {
    if (!this.#pending) await new Promise<void>((resolve) => (this.#resolve = resolve));
    this.#pending = false;
    this.#resolve = undefined;
  }
}
