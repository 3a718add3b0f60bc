import { Fingerprint } from "./fingerprint.ts";
import { FollowMachine, type Identity, Leaving } from "./machine.ts";
import { everyTick } from "./ticker.ts";

/** One generation of a followed file: an open descriptor of a regular file. */
export interface FollowFile {
  readonly identity: Identity;
  /**
   * fstat(2): bytes, and any number that changes when the file is written (mtime in milliseconds). `changed` is the like for the inode itself (ctime):
   * when it moves and `modified` does not, the file may have been renamed or unlinked.
   */
  stat(): { size: number; modified: number; changed?: number };
  /** pread(2): up to `buffer.length` bytes at `position`, 0 at the end. */
  read(position: number, buffer: Uint8Array): number;
  close(): void | Promise<void>;
}

/** A path that is followed, with everything outside the engine injected. */
export interface FollowSource<File extends FollowFile = FollowFile> {
  /** The generation to begin with; the caller goes on owning it. Undefined: there is none yet, the first to come is read from its beginning. */
  readonly file: File | undefined;
  /** What the path names now, undefined when nothing. Rejects when that cannot be asked (session lost): following goes on meanwhile. */
  locate(): Promise<Identity | undefined>;
  /** Opens the path anew; undefined when nothing is there any more. {@link follow} closes what it got from here. */
  reopen(): Promise<File | undefined>;
  /**
   * Opens what was renamed away from the path since this was last asked, oldest first, except what is `known`: generations that came and went before
   * they could be opened by the path. {@link follow} closes them.
   */
  renamedAway?(known: (identity: Identity) => boolean): Promise<File[]>;
  /** Calls back when inotify reports a write to the file (`content`), or a change of its name or its directory (`name`). Returns the unsubscribe. */
  onChange?(listener: (what: "content" | "name") => void): () => void;
  /** Milliseconds after which to ask what the path names although nothing says so. Default: at every tick of the safety net. */
  nameCheckMs?(): number;
}

export type FollowEvent<File extends FollowFile = FollowFile> =
  /** Bytes in order; the array is the consumer's. `late`: of the generation before, written after the newer one began. */
  | { kind: "data"; bytes: Uint8Array; position: number; late?: true }
  /** With `contents: false`: the file has grown to `size`. */
  | { kind: "grown"; size: number }
  /** The file was cut or written anew in place; what follows is from its beginning. `unread`: bytes known to have been lost by it. */
  | { kind: "truncated"; unread: number }
  /**
   * The path names another file, the old one is drained; what follows is from the beginning of `file`, except when `continues`: then it is the same
   * file by another way (its container was restarted). The old one is closed at the next pull or later.
   */
  | { kind: "rotated"; file: File; continues: boolean }
  /** The path names nothing; the open file is still read. */
  | { kind: "deleted" }
  /** The path names something again, or for the first time: `file` when it is another file, read as after `rotated`. */
  | { kind: "returned"; file?: File; continues: boolean }
  /** The path cannot be asked about. Said once, until it can again. */
  | { kind: "unreachable"; error: unknown }
  | { kind: "reachable" };

export interface FollowOptions {
  /** Byte offset to begin at. */
  position: number;
  /** False: say that the file has grown instead of reading it (a screen reads for itself). Default true. */
  contents?: boolean;
  /** False: stay with the open file whatever becomes of its name. `first`: with the first that there is. Default true. */
  byName?: boolean | "first";
  /** Aborting it ends the follow at once, with {@link AT_END} for a reason when what is there has been read. */
  signal?: AbortSignal | undefined;
  /** Safety net beside inotify, whose events older overlayfs drops. Default 250. */
  intervalMs?: number;
  /** How long a rotated file must be quiet before it is left. Default 250. */
  drainMs?: number;
  /** How long the name must mean nothing, or not be askable, before that is said. Default 1000. */
  goneMs?: number;
}

/** Reason for an abort that lets what is there be read first. */
export const AT_END = Symbol("at the end");

/** Largest piece of data in one event. */
const CHUNK = 64 * 1024;

/**
 * New generations that may wait while the consumer does not pull, each an open descriptor. Rotations beyond that are seen when there is room again,
 * and what was rotated away twice by then is lost.
 */
const MAX_QUEUED = 4096;

const NEWLINE = 10;

/**
 * Follows a file through growth, truncation, rotation, deletion and return. Nothing is read before the consumer asks for the next event, but new
 * generations are opened as they appear, so that none is lost while the consumer is slow. Ends when `signal` aborts; leaving the loop ends
 * it too. Descriptors from `reopen` are closed by then, the last one included.
 */
export async function* follow<File extends FollowFile>(
  source: FollowSource<File>,
  options: FollowOptions,
): AsyncGenerator<FollowEvent<File>, void, void> {
  const { signal, intervalMs = 250, drainMs = 250, goneMs = 1000, contents = true, byName = true } = options;
  const machine = new FollowMachine(source.file?.identity, options.position, drainMs, goneMs);
  const waker = new Waker();
  /** Generations that were left for newer ones, whose writers may not have noticed yet. */
  const before: { reader: Reader<File>; leaving: Leaving }[] = [];
  const leave = (reader: Reader<File>) => before.push({ reader, leaving: new Leaving(reader.position, drainMs) });
  const late = (file: File) => void leave(new Reader(file, 0));
  let path = byName
    ? new PathObserver(source, machine, waker, { intervalMs, goneMs, late: contents ? late : undefined })
    : undefined;
  let reader = source.file && new Reader(source.file, machine.position);
  /** Kept open until the consumer has heard of the change. */
  const left: File[] = [];

  const unsubscribe = source.onChange?.((what) => (what === "name" ? void path?.check() : waker.wake()));
  // Cheap when nothing happened: an fstat. The reader looks at what changed even while the question about the path hangs.
  const endTicks = everyTick(intervalMs, () => {
    const seen = reader?.glance();
    if (seen !== undefined) machine.sizeSeen(seen.size);
    if (seen?.renamed) void path?.check();
    else path?.tick();
    if (seen?.differs || before.length > 0 || machine.restless) waker.wake();
  });
  const onAbort = () => waker.wake();
  signal?.addEventListener("abort", onAbort);
  try {
    void path?.check();
    while (!signal?.aborted || signal.reason === AT_END) {
      for (const file of left.splice(0)) await closeUnless(source.file, file);
      const trouble = path?.takeTrouble();
      if (trouble) {
        yield trouble;
        continue;
      }
      const older = reader?.atLineStart === false ? undefined : nextOfOlder(before, reader, path);
      if (older?.step === "done") {
        before.splice(before.indexOf(older.from), 1);
        left.push(older.from.reader.file);
        continue;
      }
      if (older?.step === "read") {
        const { leaving, reader: of } = older.from;
        const { position } = leaving;
        const bytes = of.read(position, Math.min(older.size - position, CHUNK));
        leaving.position += bytes.length;
        if (bytes.length > 0) {
          yield { kind: "data", bytes, position, late: true };
          continue;
        }
      }
      // The next generation's size first: see Look.
      const nextSize = contents ? path?.queue[0]?.stat().size : undefined;
      const step = reader ? machine.look({ ...reader.look(), nextSize }) : machine.lookForFirst();
      switch (step.kind) {
        case "wait":
          if (signal?.aborted) return;
          await waker.wait();
          break;
        case "read": {
          if (!reader) throw new Error("the follow machine reads what is not there");
          if (contents) {
            const bytes = reader.read(step.position, Math.min(step.available, CHUNK));
            machine.advance(bytes.length);
            reader.took(bytes);
            if (bytes.length > 0) yield { kind: "data", bytes, position: step.position };
            else if (signal?.aborted) return;
            else await waker.wait();
          } else {
            machine.advance(step.available);
            reader.skipTo(machine.position);
            yield { kind: "grown", size: machine.position };
          }
          break;
        }
        case "truncated":
          reader?.begin();
          yield step;
          break;
        case "switch": {
          const file = path?.queue.shift();
          if (!file) throw new Error("the follow queue and its machine disagree");
          // After a restart the same file may come back on another device number: then its content goes on where it was.
          const continues = reader?.continuesIn(file) ?? false;
          if (reader && continues) machine.position = reader.position;
          if (reader && contents && !continues) leave(reader);
          else if (reader) left.push(reader.file);
          reader = new Reader(file, machine.position);
          if (byName === "first") {
            await path?.close();
            path = undefined;
          }
          yield { kind: step.afterDeletion ? "returned" : "rotated", file, continues };
          break;
        }
        case "returned":
          yield { kind: "returned", continues: true };
          break;
        default:
          yield step;
      }
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
    endTicks();
    unsubscribe?.();
    await path?.close();
    for (const file of left) await closeUnless(source.file, file);
    for (const { reader } of before) await closeUnless(source.file, reader.file);
    await closeUnless(source.file, reader?.file);
  }
}

/** What is to be done about the generations that were left: those that a still newer one has replaced go first. */
function nextOfOlder<File extends FollowFile>(
  before: readonly { reader: Reader<File>; leaving: Leaving }[],
  reader: Reader<File> | undefined,
  path: PathObserver<File> | undefined,
) {
  if (before.length === 0) return undefined;
  const written = (reader?.file.stat().size ?? 0) > 0 || (path?.queue.length ?? 0) > 0;
  for (const [index, from] of before.entries()) {
    const { size } = from.reader.file.stat();
    const step = from.leaving.look(size, written || index < before.length - 1, performance.now());
    if (step !== "wait") return { from, size, step };
  }
  return undefined;
}

/** Closes what came from `reopen`; the first file is the caller's. */
async function closeUnless(callers: FollowFile | undefined, file: FollowFile | undefined): Promise<void> {
  if (file !== callers) await file?.close();
}

/** Reads one generation and knows whether what it read is still there. */
class Reader<File extends FollowFile> {
  readonly file: File;
  readonly #fingerprint = new Fingerprint();
  readonly #readAt = (position: number, buffer: Uint8Array) => this.file.read(position, buffer);
  /** What {@link look} saw last. */
  #seen: { size: number; modified: number } | undefined;
  /** What {@link glance} saw last of the inode. */
  #inode: { modified: number; changed: number | undefined } | undefined;
  position: number;
  atLineStart = true;

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

  /** What fstat says meanwhile: never throws, {@link look} will say why. */
  glance(): { size: number; differs: boolean; renamed: boolean } | undefined {
    try {
      const { size, modified, changed } = this.file.stat();
      const was = this.#inode;
      this.#inode = { modified, changed };
      return {
        size,
        differs: size !== this.#seen?.size || modified !== this.#seen.modified,
        renamed: was !== undefined && changed !== was.changed && modified === was.modified,
      };
    } catch {
      return { size: 0, differs: true, renamed: false };
    }
  }

  read(position: number, length: number): Uint8Array {
    const buffer = new Uint8Array(length);
    return buffer.subarray(0, this.file.read(position, buffer));
  }

  /** `bytes` were read at the position. */
  took(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#fingerprint.advance(bytes);
    this.position += bytes.length;
    this.atLineStart = bytes[bytes.length - 1] === NEWLINE;
  }

  /** What is before `position` counts as read. */
  skipTo(position: number): void {
    this.#fingerprint.remember(this.#readAt, position);
    this.position = position;
  }

  /** Begins anew. */
  begin(): void {
    this.#fingerprint.forget();
    this.position = 0;
    this.atLineStart = true;
  }

  /** True when `other` is this file, by its inode and what was read of it; device numbers may have changed. */
  continuesIn(other: FollowFile): boolean {
    return (
      this.position > 0 &&
      BigInt(other.identity.inode) === BigInt(this.file.identity.inode) &&
      this.#fingerprint.matches((position, buffer) => other.read(position, buffer))
    );
  }
}

/** Keeps up with what the path names and opens each new generation at once. */
class PathObserver<File extends FollowFile> {
  readonly queue: File[] = [];
  readonly #source: FollowSource<File>;
  readonly #machine: FollowMachine;
  readonly #waker: Waker;
  readonly #options: ObserverOptions<File>;
  /** The generations that were opened, lately. */
  readonly #known = new Set<string>();
  /** The newest generation was seen to be renamed away from the path. */
  #newestLeft = false;
  #busy: Promise<void> | undefined;
  #again = false;
  #closed = false;
  #checkedAt = performance.now();
  #failure: { error: unknown; since: number; told: boolean } | undefined;
  #reachable = false;

  constructor(source: FollowSource<File>, machine: FollowMachine, waker: Waker, options: ObserverOptions<File>) {
    this.#source = source;
    this.#machine = machine;
    this.#waker = waker;
    this.#options = options;
    if (source.file) this.#know(source.file.identity);
  }

  /** Checks when it is time to, though nothing says so. */
  tick(): void {
    const due = this.#source.nameCheckMs?.() ?? this.#options.intervalMs;
    if (performance.now() - this.#checkedAt >= due) void this.check();
    else if (this.#failure && !this.#failure.told) this.#waker.wake();
  }

  /** One check at a time; a call during one makes it look again, so that no change falls between. Never rejects. */
  async check(): Promise<void> {
    this.#again = true;
    if (this.#busy) return;
    this.#busy = this.#checkUntilSettled();
    await this.#busy;
    this.#busy = undefined;
    this.#checkedAt = performance.now();
  }

  takeTrouble(): { kind: "unreachable"; error: unknown } | { kind: "reachable" } | undefined {
    const failure = this.#failure;
    if (failure && !failure.told && performance.now() - failure.since >= this.#options.goneMs) {
      failure.told = true;
      return { kind: "unreachable", error: failure.error };
    }
    if (!this.#reachable) return undefined;
    this.#reachable = false;
    return { kind: "reachable" };
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
        const news = await this.#look();
        if (this.#failure?.told) this.#reachable = true;
        if (news || this.#failure) this.#waker.wake();
        this.#failure = undefined;
      } catch (error) {
        this.#failure ??= { error, since: performance.now(), told: false };
        this.#waker.wake();
      }
    }
  }

  /** True when there is something for the reader to decide. */
  async #look(): Promise<boolean> {
    const identity = await this.#source.locate();
    let news = false;
    if (this.queue.length < MAX_QUEUED) {
      const isNew = this.#machine.pathSeen(identity, performance.now());
      const next = isNew ? await this.#source.reopen() : undefined;
      if (isNew && !next) this.#machine.pathSeen(undefined, performance.now());
      news = next ? await this.#takeWithMissed(next) : (await this.#takeMissed()) || isNew;
    }
    return news || this.#machine.restless;
  }

  async #takeMissed(): Promise<boolean> {
    const { older, newer } = await this.#missed(this.#machine.newest);
    for (const file of older) await this.#takeOlder(file);
    for (const file of newer) await this.#take(file);
    return older.length + newer.length > 0;
  }

  /** Queues what the path names now, and what came and went before and after it in their places. */
  async #takeWithMissed(next: File): Promise<true> {
    this.#newestLeft = false;
    let missed: Missed<File>;
    try {
      // The renames before `next` were told before it was opened, but may not have been read: one more answer, and they were.
      if (this.#options.late) await this.#source.locate();
      missed = await this.#missed(next.identity);
    } catch (error) {
      await next.close();
      throw error;
    }
    for (const file of [...missed.older, next, ...missed.newer]) await this.#take(file);
    return true;
  }

  /** Opens the generations that the path named while nobody could look; `newest` tells what is older from what is newer. */
  async #missed(newest: Identity | undefined): Promise<Missed<File>> {
    const missed: Missed<File> = { older: [], newer: [] };
    if (!this.#options.late) return missed;
    const keyOfNewest = newest && keyOf(newest);
    const newer = new Set<string>();
    const known = (identity: Identity) => {
      const key = keyOf(identity);
      // Generations leave the name in their order: what leaves it after the newest came after it.
      if (key === keyOfNewest) this.#newestLeft = true;
      else if (this.#newestLeft) newer.add(key);
      return key === keyOfNewest || this.#known.has(key);
    };
    for (const file of (await this.#source.renamedAway?.(known)) ?? [])
      missed[newer.has(keyOf(file.identity)) ? "newer" : "older"].push(file);
    return missed;
  }

  async #take(file: File): Promise<void> {
    if (this.#closed || !this.#machine.opened(file.identity)) return void (await file.close());
    this.#know(file.identity);
    this.queue.push(file);
  }

  async #takeOlder(file: File): Promise<void> {
    if (this.#closed) return void (await file.close());
    this.#know(file.identity);
    if (this.#machine.missed(file.identity) === "queued") this.queue.splice(this.queue.length - 1, 0, file);
    else this.#options.late?.(file);
  }

  #know(identity: Identity): void {
    const key = keyOf(identity);
    this.#known.delete(key);
    this.#known.add(key);
    const [oldest] = this.#known;
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }
}

/** Generations that came and went unseen, oldest first, before and after the newest that was seen. */
interface Missed<File> {
  older: File[];
  newer: File[];
}

/** What a {@link PathObserver} is told. `late` takes a generation that the path named before the one being read; undefined: nobody wants those. */
interface ObserverOptions<File> {
  intervalMs: number;
  goneMs: number;
  late: ((file: File) => void) | undefined;
}

/** As many generations as a rename may bring up again. */
const MAX_KNOWN = 64;

function keyOf({ device, inode, born }: Identity): string {
  return `${device}:${inode}:${born ?? ""}`;
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
