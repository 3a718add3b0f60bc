import { FollowMachine, type Identity, type Step } from "./machine.ts";
import { OldGenerations } from "./old-generations.ts";
import { PathObserver } from "./path-observer.ts";
import type { FollowProgress } from "./progress.ts";
import { Reader } from "./reader.ts";
import type { FollowFile, FollowSource, Generation } from "./source.ts";
import { onRound } from "./ticker.ts";
import { Waker } from "./waker.ts";

export type { FollowFile, FollowSource, Generation } from "./source.ts";

/** Events of {@link follow}, in order. */
export type FollowEvent<File extends Generation = FollowFile> =
  /**
   * Bytes in order, without the holes of a sparse file; see `position`. The consumer owns the
   * array. `late`: from the previous generation, written after the newer one started.
   */
  | { kind: "data"; bytes: Uint8Array; position: number; late?: true }
  /** With `contents: false`: the file has grown to `size`. */
  | { kind: "grown"; size: number }
  /**
   * The file was truncated or rewritten in place; the next data is from its start. `unread`: bytes
   * known to be lost.
   */
  | { kind: "truncated"; unread: number }
  /**
   * The path leads to another file, and the old one is drained. The next data is from the start of
   * `file`. With `continues` it is the same file through another session (its container was
   * restarted). The old file is closed at the next pull or later.
   */
  | { kind: "rotated"; file: File; continues: boolean }
  /** The path does not exist. The open file is still being read. */
  | { kind: "deleted" }
  /**
   * The path exists again, or for the first time. `file`: another file, read as after `rotated`.
   */
  | { kind: "returned"; file?: File; continues: boolean }
  /** The path cannot be checked. Reported once, until `reachable`. */
  | { kind: "unreachable"; error: unknown }
  | { kind: "reachable" };

/** Options of {@link follow}. */
export interface FollowOptions {
  /** Byte offset of the start. */
  position: number;
  /** False: reports growth instead of data, for a consumer that reads by itself. Default true. */
  contents?: boolean;
  /**
   * False: stays with the open file, independent of its name. `first`: stays with the first file.
   * Default true.
   */
  byName?: boolean | "first";
  /**
   * True: closes the first file like later files, once the follow no longer reads it. Default
   * false: the caller closes it.
   */
  takesFile?: boolean;
  /**
   * True if another follow reads this file now, under its new name: data that is appended to it
   * after a rotation is not reported twice.
   */
  isFollowedElsewhere?: (identity: Identity) => boolean;
  /** Ends the follow at once; with the reason {@link AT_END} after all existing data is read. */
  signal?: AbortSignal | undefined;
  /**
   * Milliseconds between polls. They supplement inotify, whose events older overlayfs drops.
   * Default 250.
   */
  intervalMs?: number;
  /**
   * Milliseconds that a rotated file must be quiet before the follow stops reading it. Default 250.
   */
  drainMs?: number;
  /**
   * Milliseconds that the name must be missing, or not checkable, before that is reported. Default
   * 1000.
   */
  goneMs?: number;
  /** Reports how far the follow has read. */
  progress?: FollowProgress;
}

/** Abort reason: read the existing data first. */
export const AT_END = Symbol("at the end");

/** Number of intervals after which a watched file that is quiet is polled less often. */
const QUIET_INTERVALS = 40;
/** Intervals between these polls: each fourth one, which may come a little early. */
const SPARED_INTERVALS = 3.5;

/** Maximum bytes of one data event. */
const CHUNK = 64 * 1024;

/**
 * Follows a file through growth, truncation, rotation, deletion and return. Reads only when the
 * consumer pulls, but opens new generations at once, so that a slow consumer loses none. Ends when
 * `signal` aborts or the consumer leaves the loop, and closes all files from `reopen`.
 * @throws what the source's `read` and `stat` throw
 */
export function follow<File extends FollowFile>(
  source: FollowSource<File>,
  options: FollowOptions,
): AsyncGenerator<FollowEvent<File>, void, void> {
  return new Follow(source, options).events();
}

/** One run of {@link follow}. */
class Follow<File extends FollowFile> {
  readonly #source: FollowSource<File>;
  readonly #signal: AbortSignal | undefined;
  readonly #intervalMs: number;
  readonly #drainMs: number;
  readonly #contents: boolean;
  readonly #byName: boolean | "first";
  readonly #progress: FollowProgress | undefined;
  readonly #machine: FollowMachine;
  readonly #waker = new Waker();
  readonly #old: OldGenerations<File>;
  /** The first file, if the caller closes it. */
  readonly #callers: File | undefined;
  /** Files that stay open until the consumer has seen the event. */
  readonly #left: File[] = [];
  #path: PathObserver<File> | undefined;
  #reader: Reader<File> | undefined;
  /** The time since when the current file has had no name and no new data. */
  #namelessSince: number | undefined;
  /** Number of content events, and how many of them were seen when all bytes had been read. */
  #events = 1;
  #handledEvents = 0;
  /** Set while the consumer handles the last bytes that the file had at this time. */
  #allReadAt: number | undefined;
  #changedAt = performance.now();
  #polledAt = 0;

  constructor(source: FollowSource<File>, options: FollowOptions) {
    const { intervalMs = 250, drainMs = 250, goneMs = 1000, contents = true, byName = true } = options;
    this.#source = source;
    this.#signal = options.signal;
    this.#progress = options.progress;
    this.#intervalMs = intervalMs;
    this.#drainMs = drainMs;
    this.#contents = contents;
    this.#byName = byName;
    this.#callers = options.takesFile ? undefined : source.file;
    this.#machine = new FollowMachine(source.file?.identity, options.position, drainMs, goneMs);
    this.#old = new OldGenerations({ drainMs, chunk: CHUNK, isFollowedElsewhere: options.isFollowedElsewhere });
    const late = contents ? (file: File) => this.#old.addUnread(file) : undefined;
    if (byName) this.#path = new PathObserver(source, this.#machine, this.#waker, { intervalMs, goneMs, late });
    this.#reader = source.file && new Reader(source.file, this.#machine.position);
  }

  async *events(): AsyncGenerator<FollowEvent<File>, void, void> {
    const unsubscribe = this.#source.onChange?.((what) => this.#changed(what));
    const endTicks = onRound(this.#intervalMs, (now) => this.#tick(now));
    this.#progress?.begin((drained) => this.#hasUnread(drained));
    const onAbort = () => this.#waker.wake();
    this.#signal?.addEventListener("abort", onAbort);
    try {
      void this.#path?.check();
      while (!this.#signal?.aborted || this.#signal.reason === AT_END) {
        for (const file of this.#left.splice(0)) await this.#close(file);
        const event = this.#path?.takeTrouble() ?? this.#nextOfOld() ?? this.#next();
        if (event === "wait") {
          if (this.#signal?.aborted) return;
          await this.#waker.wait();
        } else if (event !== "again") {
          if (this.#byName === "first" && "file" in event) await this.#leavePath();
          yield event;
          if (this.#allReadAt !== undefined) this.#reached(this.#allReadAt);
          this.#allReadAt = undefined;
        }
      }
    } finally {
      this.#signal?.removeEventListener("abort", onAbort);
      endTicks();
      unsubscribe?.();
      this.#progress?.reached(Number.POSITIVE_INFINITY);
      await this.#path?.close();
      for (const file of [...this.#left, ...this.#old.files, this.#reader?.file]) await this.#close(file);
    }
  }

  #changed(what: "content" | "name"): void {
    if (what === "name") return void this.#path?.check();
    this.#events++;
    this.#waker.wake();
  }

  /** Polls the file. Returns true if time alone may cause an event. */
  #tick(now: number): boolean {
    this.#poll(now);
    return (
      !this.#old.isEmpty ||
      this.#machine.restless ||
      this.#path?.isRestless === true ||
      (this.#reader !== undefined && this.#isNameless())
    );
  }

  /**
   * One fstat(2) if nothing happened. Notices changes of the file even while a check of the path
   * hangs.
   */
  #poll(now: number): void {
    // Hundreds of quiet, watched files are usual; polling each four times a second is most of the
    // cost.
    const isQuiet = now - this.#changedAt > QUIET_INTERVALS * this.#intervalMs;
    const isSpared = isQuiet && now - this.#polledAt < SPARED_INTERVALS * this.#intervalMs;
    if (isSpared && this.#source.isWatched?.()) {
      this.#path?.tick();
      return;
    }
    this.#polledAt = now;
    const seen = this.#reader?.glance();
    if (seen?.differs) this.#changedAt = now;
    if (seen !== undefined) this.#machine.sizeSeen(seen.size);
    if (seen?.renamed) void this.#path?.check();
    else this.#path?.tick();
    if (seen?.links === 0 && this.#isNameless()) this.#waker.wake();
    if (seen?.differs || !this.#old.isEmpty || this.#machine.restless) this.#waker.wake();
  }

  #isNameless(): boolean {
    const isMissing = this.#machine.reportedDeleted || this.#path?.isTroubled === true;
    return this.#byName === true && isMissing && !this.#machine.hasNext;
  }

  /** True while the path is checked, or a generation that it led to is not read yet. */
  get #isBehindPath(): boolean {
    return this.#path !== undefined && (this.#path.isChecking || this.#path.queue.length > 0);
  }

  /** See {@link FollowProgress.check}. */
  #hasUnread(drained: Set<object> | undefined): boolean {
    const isReported = drained !== undefined && this.#source.isWatched?.() === true;
    if (isReported) this.#source.readEvents?.(drained);
    const reported = this.#events === this.#handledEvents ? undefined : "bytes";
    const seen = isReported ? reported : this.#reader?.unread(this.#machine.position);
    if (seen === "renamed") void this.#path?.check();
    const isBehind = seen === "bytes" || this.#isBehindPath || this.#old.hasUnread();
    if (isBehind) this.#waker.wake();
    return isBehind;
  }

  #reached(time: number): void {
    if (this.#old.isEmpty && !this.#isBehindPath) this.#progress?.reached(time);
  }

  #nextOfOld(): FollowEvent<File> | "again" | undefined {
    if (this.#reader?.atLineStart === false) return undefined;
    const isWritten = () => (this.#reader?.file.stat().size ?? 0) > 0 || (this.#path?.queue.length ?? 0) > 0;
    const step = this.#old.next(isWritten);
    if (step?.kind !== "done") return step;
    this.#left.push(step.file);
    return "again";
  }

  /** Does the next step of the current generation. */
  #next(): FollowEvent<File> | "again" | "wait" {
    const [lookedAt, seenEvents] = [performance.now(), this.#events];
    // Reads the next generation's size first: see {@link FileObservation}.
    const nextSize = this.#contents ? this.#path?.queue[0]?.stat().size : undefined;
    const step = this.#reader ? this.#machine.look({ ...this.#reader.look(), nextSize }) : this.#machine.lookForFirst();
    if (step.kind !== "wait") this.#namelessSince = undefined;
    switch (step.kind) {
      case "wait":
        this.#handledEvents = seenEvents;
        this.#reached(lookedAt);
        return !this.#signal?.aborted && this.#leaveNameless() ? "again" : "wait";
      case "read":
        return this.#read(step, lookedAt);
      case "truncated":
        this.#reader?.begin();
        return step;
      case "switch":
        return this.#switch(step);
      case "returned":
        return { kind: "returned", continues: true };
      default:
        return step;
    }
  }

  /** Stops reading a deleted file that has been quiet. Returns true if it did. */
  #leaveNameless(): boolean {
    const reader = this.#reader;
    if (!reader || !this.#isNameless() || reader.file.stat().links !== 0) return false;
    this.#namelessSince ??= performance.now();
    if (performance.now() - this.#namelessSince < this.#drainMs) return false;
    this.#left.push(reader.file);
    this.#reader = undefined;
    this.#machine.forget();
    return true;
  }

  #read(
    { position, available }: Extract<Step, { kind: "read" }>,
    lookedAt: number,
  ): FollowEvent<File> | "again" | "wait" {
    const reader = this.#reader;
    if (!reader) throw new Error("internal error: read without an open file (please report it)");
    if (!this.#contents) {
      this.#machine.advance(available);
      reader.skipTo(this.#machine.position);
      return { kind: "grown", size: this.#machine.position };
    }
    const behind = reader.behindHole(position, position + available);
    if (behind > position) {
      this.#machine.advance(behind - position);
      reader.skipTo(behind);
      return "again";
    }
    const bytes = reader.beforeHole(position, reader.read(position, Math.min(available, CHUNK)));
    this.#machine.advance(bytes.length);
    reader.took(bytes);
    if (bytes.length === 0) return "wait";
    if (bytes.length === available) this.#allReadAt = lookedAt;
    return { kind: "data", bytes, position };
  }

  #switch({ afterDeletion }: Extract<Step, { kind: "switch" }>): FollowEvent<File> {
    const file = this.#path?.queue.shift();
    if (!file) throw new Error("internal error: no file to switch to (please report it)");
    const reader = this.#reader;
    // After a restart the same file may have another device number: continues at the same position.
    const continues = reader?.continuesIn(file) ?? false;
    if (reader && continues) this.#machine.position = reader.position;
    if (reader && this.#contents && !continues) this.#old.add(reader);
    else if (reader) this.#left.push(reader.file);
    this.#reader = new Reader(file, this.#machine.position);
    return { kind: afterDeletion ? "returned" : "rotated", file, continues };
  }

  async #leavePath(): Promise<void> {
    await this.#path?.close();
    this.#path = undefined;
  }

  /** Closes a file from `reopen`; the caller owns the first file. */
  async #close(file: File | undefined): Promise<void> {
    if (file !== this.#callers) await file?.close();
  }
}
