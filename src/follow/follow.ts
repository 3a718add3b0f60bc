import { DrainingGeneration, FollowMachine, type Identity } from "./machine.ts";
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
export async function* follow<File extends FollowFile>(
  source: FollowSource<File>,
  options: FollowOptions,
): AsyncGenerator<FollowEvent<File>, void, void> {
  const { signal, intervalMs = 250, drainMs = 250, goneMs = 1000, contents = true, byName = true, progress } = options;
  const callers = options.takesFile ? undefined : source.file;
  /** The time since when the current file has had no name and no new data. */
  let namelessSince: number | undefined;
  const isNameless = () =>
    byName === true && (machine.reportedDeleted || path?.isTroubled === true) && !machine.hasNext;
  const machine = new FollowMachine(source.file?.identity, options.position, drainMs, goneMs);
  const waker = new Waker();
  /** Previous generations whose writers may not have noticed the rotation. */
  const before: { reader: Reader<File>; leaving: DrainingGeneration }[] = [];
  const leave = (reader: Reader<File>) =>
    before.push({ reader, leaving: new DrainingGeneration(reader.position, drainMs) });
  const late = (file: File) => void leave(new Reader(file, 0));
  let path = byName
    ? new PathObserver(source, machine, waker, { intervalMs, goneMs, late: contents ? late : undefined })
    : undefined;
  let reader = source.file && new Reader(source.file, machine.position);
  /** Files that stay open until the consumer has seen the event. */
  const left: File[] = [];

  /** Number of content events, and how many of them were seen when all bytes had been read. */
  let [events, handledEvents] = [1, 0];
  const unsubscribe = source.onChange?.((what) => {
    if (what === "name") return void path?.check();
    events++;
    waker.wake();
  });
  // One fstat(2) if nothing happened. Notices changes of the file even while a check of the path
  // hangs.
  let [changedAt, polledAt] = [performance.now(), 0];
  const poll = (now: number) => {
    // Hundreds of quiet, watched files are usual; polling each four times a second is most of the
    // cost.
    const isQuiet = now - changedAt > QUIET_INTERVALS * intervalMs;
    if (isQuiet && now - polledAt < SPARED_INTERVALS * intervalMs && source.isWatched?.()) return path?.tick();
    polledAt = now;
    const seen = reader?.glance();
    if (seen?.differs) changedAt = now;
    if (seen !== undefined) machine.sizeSeen(seen.size);
    if (seen?.renamed) void path?.check();
    else path?.tick();
    if (seen?.links === 0 && isNameless()) waker.wake();
    if (seen?.differs || before.length > 0 || machine.restless) waker.wake();
  };
  const endTicks = onRound(intervalMs, (now) => {
    poll(now);
    return before.length > 0 || machine.restless || path?.isRestless === true || (reader !== undefined && isNameless());
  });
  const hasUnread = (drained: Set<object> | undefined) => {
    const isReported = drained !== undefined && source.isWatched?.() === true;
    if (isReported) source.readEvents?.(drained);
    const reported = events === handledEvents ? undefined : "bytes";
    const seen = isReported ? reported : reader?.unread(machine.position);
    if (seen === "renamed") void path?.check();
    const isBehind =
      seen === "bytes" ||
      path?.isChecking === true ||
      (path?.queue.length ?? 0) > 0 ||
      before.some(({ reader: of, leaving }) => of.unread(leaving.position) === "bytes");
    if (isBehind) waker.wake();
    return isBehind;
  };
  progress?.begin(hasUnread);
  const reached = (time: number) => {
    if (before.length === 0 && path?.isChecking !== true && (path?.queue.length ?? 0) === 0) progress?.reached(time);
  };
  const onAbort = () => waker.wake();
  signal?.addEventListener("abort", onAbort);
  try {
    void path?.check();
    while (!signal?.aborted || signal.reason === AT_END) {
      for (const file of left.splice(0)) await closeUnless(callers, file);
      const trouble = path?.takeTrouble();
      if (trouble) {
        yield trouble;
        continue;
      }
      const older =
        reader?.atLineStart === false ? undefined : nextOfOlder(before, reader, path, options.isFollowedElsewhere);
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
      const [lookedAt, seenEvents] = [performance.now(), events];
      // Reads the next generation's size first: see {@link FileObservation}.
      const nextSize = contents ? path?.queue[0]?.stat().size : undefined;
      const step = reader ? machine.look({ ...reader.look(), nextSize }) : machine.lookForFirst();
      if (step.kind !== "wait") namelessSince = undefined;
      switch (step.kind) {
        case "wait":
          handledEvents = seenEvents;
          reached(lookedAt);
          if (signal?.aborted) return;
          if (reader && isNameless() && reader.file.stat().links === 0) {
            namelessSince ??= performance.now();
            if (performance.now() - namelessSince >= drainMs) {
              left.push(reader.file);
              reader = undefined;
              machine.forget();
              continue;
            }
          }
          await waker.wait();
          break;
        case "read": {
          if (!reader) throw new Error("internal error: read without an open file (please report it)");
          if (contents) {
            const behind = reader.behindHole(step.position, step.position + step.available);
            if (behind > step.position) {
              machine.advance(behind - step.position);
              reader.skipTo(behind);
              break;
            }
            const bytes = reader.beforeHole(step.position, reader.read(step.position, Math.min(step.available, CHUNK)));
            machine.advance(bytes.length);
            reader.took(bytes);
            if (bytes.length > 0) {
              yield { kind: "data", bytes, position: step.position };
              if (bytes.length === step.available) reached(lookedAt);
            } else if (signal?.aborted) return;
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
          if (!file) throw new Error("internal error: no file to switch to (please report it)");
          // After a restart the same file may have another device number: continues at the same
          // position.
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
    progress?.reached(Number.POSITIVE_INFINITY);
    await path?.close();
    for (const file of left) await closeUnless(callers, file);
    for (const { reader } of before) await closeUnless(callers, reader.file);
    await closeUnless(callers, reader?.file);
  }
}

/**
 * Returns the next step for previous generations. Those that a newer generation has replaced come
 * first.
 */
function nextOfOlder<File extends FollowFile>(
  before: readonly { reader: Reader<File>; leaving: DrainingGeneration }[],
  reader: Reader<File> | undefined,
  path: PathObserver<File> | undefined,
  isFollowedElsewhere: FollowOptions["isFollowedElsewhere"],
) {
  if (before.length === 0) return undefined;
  const written = (reader?.file.stat().size ?? 0) > 0 || (path?.queue.length ?? 0) > 0;
  for (const [index, from] of before.entries()) {
    const { size, links } = from.reader.file.stat();
    const isReplaced = written || links === 0 || index < before.length - 1;
    const isElsewhere = isFollowedElsewhere?.(from.reader.file.identity) === true;
    const step = isElsewhere ? "done" : from.leaving.look(size, isReplaced, performance.now());
    if (step !== "wait") return { from, size, step };
  }
  return undefined;
}

/** Closes a file from `reopen`; the caller owns the first file. */
async function closeUnless(callers: FollowFile | undefined, file: FollowFile | undefined): Promise<void> {
  if (file !== callers) await file?.close();
}
