import { DrainingGeneration, FollowMachine } from "./machine.ts";
import { PathObserver } from "./path-observer.ts";
import { Reader } from "./reader.ts";
import type { FollowFile, FollowSource, Generation } from "./source.ts";
import { onTick } from "./ticker.ts";
import { Waker } from "./waker.ts";

export type { FollowFile, FollowSource, Generation } from "./source.ts";

/** What {@link follow} tells of a file, in order. */
export type FollowEvent<File extends Generation = FollowFile> =
  /** Bytes in order, without the holes of a sparse file: `position` tells. The array is the consumer's. `late`: of the generation before, written after the newer one began. */
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

/** Options of {@link follow}. */
export interface FollowOptions {
  /** Byte offset to begin at. */
  position: number;
  /** False: say that the file has grown instead of reading it (a screen reads for itself). Default true. */
  contents?: boolean;
  /** False: stay with the open file whatever becomes of its name. `first`: with the first that there is. Default true. */
  byName?: boolean | "first";
  /** True: the first file is closed like the others once it was left, or deleted and read. Default false: the caller does. */
  takesFile?: boolean;
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

/** Ticks without a change after which a watched file is looked at only every so many. */
const QUIET_TICKS = 40;
const SPARED_TICKS = 4;

/** Largest piece of data in one event. */
const CHUNK = 64 * 1024;

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
  const callers = options.takesFile ? undefined : source.file;
  /** Since when the file being read has had no name and nothing new, to let go of it. */
  let namelessSince: number | undefined;
  const isNameless = () =>
    byName === true && (machine.reportedDeleted || path?.isTroubled === true) && !machine.hasNext;
  const machine = new FollowMachine(source.file?.identity, options.position, drainMs, goneMs);
  const waker = new Waker();
  /** Generations that were left for newer ones, whose writers may not have noticed yet. */
  const before: { reader: Reader<File>; leaving: DrainingGeneration }[] = [];
  const leave = (reader: Reader<File>) =>
    before.push({ reader, leaving: new DrainingGeneration(reader.position, drainMs) });
  const late = (file: File) => void leave(new Reader(file, 0));
  let path = byName
    ? new PathObserver(source, machine, waker, { intervalMs, goneMs, late: contents ? late : undefined })
    : undefined;
  let reader = source.file && new Reader(source.file, machine.position);
  /** Kept open until the consumer has heard of the change. */
  const left: File[] = [];

  const unsubscribe = source.onChange?.((what) => (what === "name" ? void path?.check() : waker.wake()));
  // Cheap when nothing happened: an fstat. The reader looks at what changed even while the question about the path hangs.
  let quietTicks = 0;
  const endTicks = onTick(intervalMs, () => {
    // Hundreds of quiet files that inotify watches are the usual case: looking at each four times a second is most of what following them costs.
    quietTicks++;
    if (quietTicks > QUIET_TICKS && quietTicks % SPARED_TICKS !== 0 && source.isWatched?.()) return path?.tick();
    const seen = reader?.glance();
    if (seen?.differs) quietTicks = 0;
    if (seen !== undefined) machine.sizeSeen(seen.size);
    if (seen?.renamed) void path?.check();
    else path?.tick();
    if (seen?.links === 0 && isNameless()) waker.wake();
    if (seen?.differs || before.length > 0 || machine.restless) waker.wake();
  });
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
      if (step.kind !== "wait") namelessSince = undefined;
      switch (step.kind) {
        case "wait":
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
          if (!reader) throw new Error("the follow machine reads what is not there");
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
    for (const file of left) await closeUnless(callers, file);
    for (const { reader } of before) await closeUnless(callers, reader.file);
    await closeUnless(callers, reader?.file);
  }
}

/** What is to be done about the generations that were left: those that a still newer one has replaced go first. */
function nextOfOlder<File extends FollowFile>(
  before: readonly { reader: Reader<File>; leaving: DrainingGeneration }[],
  reader: Reader<File> | undefined,
  path: PathObserver<File> | undefined,
) {
  if (before.length === 0) return undefined;
  const written = (reader?.file.stat().size ?? 0) > 0 || (path?.queue.length ?? 0) > 0;
  for (const [index, from] of before.entries()) {
    const { size, links } = from.reader.file.stat();
    const isReplaced = written || links === 0 || index < before.length - 1;
    const step = from.leaving.look(size, isReplaced, performance.now());
    if (step !== "wait") return { from, size, step };
  }
  return undefined;
}

/** Closes what came from `reopen`; the first file is the caller's. */
async function closeUnless(callers: FollowFile | undefined, file: FollowFile | undefined): Promise<void> {
  if (file !== callers) await file?.close();
}
