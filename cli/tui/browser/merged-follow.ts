import { follow, lastLinesOffset } from "../../../src/follow/index.ts";
import type { OpenFile } from "../../../src/sessions/index.ts";
import { sanitiseText, TimestampReader } from "../../../src/text/index.ts";
import { utc } from "../../../src/times/index.ts";
import { Merger } from "../../tail/merger.ts";
import { Notices } from "../../tail/notices.ts";
import { SOURCE_COLOURS } from "../../tail/source-colours.ts";
import { tailSource } from "../../tail/tail-source.ts";
import type { TailTarget } from "../../tail/tail-target.ts";
import { textWidth } from "../canvas/text-width.ts";
import type { LineSource } from "../viewer/sources.ts";
import type { BrowserTarget } from "./browser-target.ts";
import { failureLine } from "./failure-lines.ts";
import { shortNames } from "./short-names.ts";

/** A file of a merged follow. */
export interface FollowEntry {
  place: BrowserTarget;
  path: string;
}

/** A file as the merger sees it. */
interface MergedFile {
  readonly name: string;
  /** Prefix of its lines: its short name in its colour. */
  readonly prefix: Buffer;
}

/** Initial lines of each file. */
const LINES = 1_000;

/** Maximum bytes that wait for the viewer; above it, backpressure stops reading. */
const MAX_WAITING = 1024 * 1024;

const NEWLINE = 10;

/**
 * Merges several files into one stream of lines, ordered by their timestamps: the last lines of
 * each, then appended lines, through rotation and restart. Each line begins with the short name of
 * its file. Events of a file are lines too.
 */
export class MergedFollow {
  /** No descriptor: the stream is made here. */
  readonly fd = -1;
  readonly isSeekable = false;
  readonly #chosen: readonly FollowEntry[];
  readonly #lanes: readonly MergedFile[];
  /** One per place for all its files, so that events are reported once. */
  readonly #places = new Map<BrowserTarget, TailTarget>();
  readonly #ready: Buffer[] = [];
  #waiting = 0;
  #wake: () => void = () => undefined;
  /** Resolvers that wait until the viewer has taken bytes. */
  readonly #held: (() => void)[] = [];

  constructor(chosen: readonly FollowEntry[]) {
    this.#chosen = chosen;
    this.#lanes = lanesOf(chosen);
  }

  /** The files, by the prefixes of their lines. */
  get sources(): LineSource[] {
    return this.#lanes.map(({ name, prefix }) => ({ name, beginning: prefix }));
  }

  async *stream({ signal }: { signal: AbortSignal }): AsyncGenerator<Uint8Array> {
    const merger = new Merger<MergedFile>(
      { line: ({ prefix }, bytes) => this.#put(endedLine(prefix, bytes)) },
      NEWLINE,
    );
    const release = () => {
      for (const go of this.#held.splice(0)) go();
    };
    const onAbort = () => {
      this.#wake();
      release();
    };
    signal.addEventListener("abort", onAbort);
    const running = this.#run(merger, signal);
    let failure: unknown;
    running.catch((error) => {
      failure = error;
      this.#wake();
    });
    try {
      while (!signal.aborted) {
        const batch = Buffer.concat(this.#ready.splice(0));
        this.#waiting = 0;
        release();
        if (batch.length > 0) yield batch;
        else if (failure !== undefined) throw failure;
        else
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      await running.catch(() => undefined);
    }
  }

  async #run(merger: Merger<MergedFile>, signal: AbortSignal): Promise<void> {
    const lanes = this.#lanes;
    const files = await Promise.all(
      this.#chosen.map(async (one, index) => {
        const lane = lanes[index] as MergedFile;
        const zone = await one.place.zone().catch(() => utc);
        const reader = new TimestampReader({ now: Date.now(), zone });
        merger.add(lane, (line) => reader.read(line));
        const file = await this.#open(one, lane);
        return { ...one, lane, file, size: file?.size() ?? 0 };
      }),
    );
    try {
      const parts = files.flatMap(({ file, lane, size }) =>
        file?.isSeekable ? [{ lane, pieces: lastPart(file, size), goesOn: true }] : [],
      );
      await merger.show(parts);
      await Promise.all(
        files.map(async ({ place, path, lane, file, size }) => {
          const from = { place, path, lane, size };
          if (file?.isSeekable) await this.#follow(from, file, merger, signal);
          else if (file) await this.#note(lane, "it has no positions: it is not followed with others");
        }),
      );
    } finally {
      for (const place of this.#places.values()) place.end();
      for (const { file } of files) file?.close();
      await merger.end();
    }
  }

  async #open({ place, path }: FollowEntry, lane: MergedFile): Promise<OpenFile | undefined> {
    try {
      return await place.use((session) => session.open(path));
    } catch (error) {
      await this.#note(lane, failureLine(error));
      return undefined;
    }
  }

  async #follow(
    { place, path, lane, size }: FollowEntry & { lane: MergedFile; size: number },
    file: OpenFile,
    merger: Merger<MergedFile>,
    signal: AbortSignal,
  ): Promise<void> {
    const notices = new Notices(lane.name, { retries: true, keepsName: true });
    const source = tailSource(this.#followed(place), path, file);
    for await (const event of follow(source, { position: size, signal })) {
      if (event.kind === "data") await merger.take(lane, event.bytes);
      else {
        const begins = "file" in event && event.file !== undefined && !event.continues;
        if (begins || event.kind === "truncated") await merger.endLine(lane);
        const text = notices.of(event);
        if (text !== undefined) await this.#note(lane, text);
      }
    }
  }

  #followed(place: BrowserTarget): TailTarget {
    const known = this.#places.get(place);
    if (known !== undefined) return known;
    const followed = place.followed((text) => void this.#put(noteRow(text)));
    this.#places.set(place, followed);
    return followed;
  }

  #note({ prefix }: MergedFile, text: string): Promise<void> {
    return this.#put(Buffer.concat([prefix, noteRow(text)]));
  }

  async #put(line: Buffer): Promise<void> {
    this.#ready.push(line);
    this.#waiting += line.length;
    this.#wake();
    if (this.#waiting > MAX_WAITING) await new Promise<void>((resolve) => this.#held.push(resolve));
  }
}

/** Prefixes of equal width, in distinct colours. */
function lanesOf(chosen: readonly FollowEntry[]): MergedFile[] {
  const names = shortNames(chosen.map(({ place, path }) => ({ place: place.name, path }))).map(sanitiseText);
  const width = Math.max(...names.map(textWidth));
  return names.map((name, index) => {
    const colour = SOURCE_COLOURS[index % SOURCE_COLOURS.length];
    const padding = " ".repeat(width - textWidth(name));
    return { name, prefix: Buffer.from(`\x1b[${colour}m${name}${padding} |\x1b[0m `) };
  });
}

/** A line with its prefix, and a newline if it has none. */
function endedLine(prefix: Buffer, line: Uint8Array): Buffer {
  return Buffer.concat(line.at(-1) === NEWLINE ? [prefix, line] : [prefix, line, Buffer.of(NEWLINE)]);
}

/** A marked row that belongs to no file. */
function noteRow(text: string): Buffer {
  return Buffer.from(`\x1b[7m ${sanitiseText(text)} \x1b[0m\n`);
}

/** The last lines of the first `size` bytes. */
async function* lastPart(file: OpenFile, size: number): AsyncGenerator<Buffer> {
  const read = (position: number, buffer: Uint8Array) => file.read(buffer, position);
  for (let at = lastLinesOffset(read, size, LINES, NEWLINE); at < size; ) {
    const buffer = Buffer.allocUnsafe(Math.min(65_536, size - at));
    const length = file.read(buffer, at);
    if (length === 0) return;
    at += length;
    yield buffer.subarray(0, length);
  }
}
