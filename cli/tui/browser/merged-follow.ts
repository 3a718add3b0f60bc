import { FollowProgress, follow, lastLinesOffset } from "../../../src/follow/index.ts";
import type { OpenFile } from "../../../src/sessions/index.ts";
import type { OutputPath } from "../../../src/target.ts";
import { TimestampReader } from "../../../src/text/index.ts";
import { utc } from "../../../src/times/index.ts";
import { Merger } from "../../tail/merger.ts";
import { Notices } from "../../tail/notices.ts";
import { tailSource } from "../../tail/tail-source.ts";
import type { TailTarget } from "../../tail/tail-target.ts";
import type { LineSource } from "../viewer/sources.ts";
import type { Connection } from "./connection.ts";
import { failureLine } from "./failure-lines.ts";
import { FollowedOutput } from "./followed-output.ts";
import { endedLine, type MergedSource, mergedSources, noteRow } from "./merged-source.ts";

/** A file or a container's own output in a merged follow. */
export interface FollowEntry {
  connection: Connection;
  /** An absolute path, or an {@link OutputPath}. */
  path: string;
}

/** A source that was opened. */
interface OpenedSource {
  lane: MergedSource;
  /** The last lines of the source; undefined if it could not be opened. */
  pieces: AsyncIterable<Buffer> | undefined;
  /** Passes on the data after {@link pieces}, until the follow ends. */
  follow(): Promise<void>;
  close(): void;
}

/** Where the follow of a file begins, and what it reports to. */
interface FollowStart {
  lane: MergedSource;
  size: number;
  progress: FollowProgress;
}

/** Initial lines of each source. */
const LINES = 1_000;

/** Maximum bytes that wait for the viewer. Above it, backpressure stops reading. */
const MAX_WAITING = 1024 * 1024;

const NEWLINE = 10;

/**
 * Merges files and outputs of containers into one stream of lines, ordered by time. The stream
 * contains the last lines of each source, then new lines, through rotation and restart. Each line
 * begins with the short name of its source. Events of a source are lines too.
 */
export class MergedFollow {
  /** No descriptor: this process creates the stream. */
  readonly fd = -1;
  readonly isSeekable = false;
  readonly #chosen: readonly FollowEntry[];
  readonly #lanes: readonly MergedSource[];
  /** One TailTarget per connection for all its files, so that events are reported once. */
  readonly #tailTargets = new Map<Connection, TailTarget>();
  readonly #ready: Buffer[] = [];
  #waiting = 0;
  #wake: () => void = () => undefined;
  /** Resolvers of writes that wait until the viewer has read bytes. */
  readonly #held: (() => void)[] = [];

  constructor(chosen: readonly FollowEntry[]) {
    this.#chosen = chosen;
    this.#lanes = mergedSources(
      chosen.map(({ connection: { name, engine }, path }) => ({ container: name, path, engine })),
    );
  }

  /** The sources, by the prefixes of their lines. */
  get sources(): LineSource[] {
    return this.#lanes.map(({ name, prefix }) => ({ name, beginning: prefix }));
  }

  async *stream({ signal }: { signal: AbortSignal }): AsyncGenerator<Uint8Array> {
    const merger = new Merger<MergedSource>(
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

  async #run(merger: Merger<MergedSource>, signal: AbortSignal): Promise<void> {
    const opened = await Promise.all(
      this.#chosen.map((one, index) => {
        const lane = this.#lanes[index] as MergedSource;
        return isOutput(one.path)
          ? this.#openOutput(one.connection, one.path, lane, merger, signal)
          : this.#openFile(one, lane, merger, signal);
      }),
    );
    try {
      await merger.show(
        opened.flatMap(({ lane, pieces }) => (pieces === undefined ? [] : [{ lane, pieces, goesOn: true }])),
      );
      await Promise.all(opened.map((source) => source.follow()));
    } finally {
      for (const tailTarget of this.#tailTargets.values()) tailTarget.end();
      for (const source of opened) source.close();
      await merger.end();
    }
  }

  async #openFile(
    { connection, path }: FollowEntry,
    lane: MergedSource,
    merger: Merger<MergedSource>,
    signal: AbortSignal,
  ): Promise<OpenedSource> {
    const zone = await connection.zone().catch(() => utc);
    const reader = new TimestampReader({ now: Date.now(), zone });
    const progress = new FollowProgress();
    merger.add(lane, (line) => reader.read(line), progress);
    try {
      const file = await connection.use((session) => session.open(path));
      const size = file.size() ?? 0;
      return {
        lane,
        pieces: file.isSeekable ? lastPart(file, size) : undefined,
        follow: () =>
          file.isSeekable
            ? this.#follow({ connection, path, lane, size, progress }, file, merger, signal)
            : this.#note(lane, "it cannot seek, so it cannot be merged with others"),
        close: () => file.close(),
      };
    } catch (error) {
      return this.#failed(lane, error);
    }
  }

  async #openOutput(
    { target, engine }: Connection,
    path: OutputPath,
    lane: MergedSource,
    merger: Merger<MergedSource>,
    signal: AbortSignal,
  ): Promise<OpenedSource> {
    const output = new FollowedOutput("name" in target ? target.name : "", path, engine);
    merger.add(lane, output.timeOf);
    try {
      await output.open(signal);
    } catch (error) {
      return this.#failed(lane, error);
    }
    const sink = {
      line: (line: Buffer) => merger.take(lane, line),
      lineEnded: () => merger.endLine(lane),
      notice: (text: string) => this.#note(lane, text),
    };
    return {
      lane,
      pieces: output.lastLines(LINES, signal),
      follow: () => output.follow(sink, signal),
      close: () => undefined,
    };
  }

  /** Returns a source that only reports its error. */
  #failed(lane: MergedSource, error: unknown): OpenedSource {
    return {
      lane,
      pieces: undefined,
      follow: () => this.#note(lane, failureLine(error)),
      close: () => undefined,
    };
  }

  async #follow(
    { connection, path, lane, size, progress }: FollowEntry & FollowStart,
    file: OpenFile,
    merger: Merger<MergedSource>,
    signal: AbortSignal,
  ): Promise<void> {
    const notices = new Notices(lane.name, { retries: true, keepsName: true });
    const source = tailSource(this.#followed(connection), path, file);
    for await (const event of follow(source, { position: size, signal, progress })) {
      if (event.kind === "data") await merger.take(lane, event.bytes);
      else {
        const begins = "file" in event && event.file !== undefined && !event.continues;
        if (begins || event.kind === "truncated") await merger.endLine(lane);
        const text = notices.of(event);
        if (text !== undefined) await this.#note(lane, text);
      }
    }
  }

  #followed(connection: Connection): TailTarget {
    const known = this.#tailTargets.get(connection);
    if (known !== undefined) return known;
    const followed = connection.followed((text) => void this.#put(noteRow(text)));
    this.#tailTargets.set(connection, followed);
    return followed;
  }

  #note({ prefix }: MergedSource, text: string): Promise<void> {
    return this.#put(Buffer.concat([prefix, noteRow(text)]));
  }

  async #put(line: Buffer): Promise<void> {
    this.#ready.push(line);
    this.#waiting += line.length;
    this.#wake();
    if (this.#waiting > MAX_WAITING) await new Promise<void>((resolve) => this.#held.push(resolve));
  }
}

/** True for the path of a container's own output. */
export function isOutput(path: string): path is OutputPath {
  return path.startsWith("@");
}

/** Yields the last lines of the first `size` bytes. */
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
