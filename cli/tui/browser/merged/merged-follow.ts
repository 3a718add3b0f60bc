import { setMaxListeners } from "node:events";
import { anySignal } from "../../../../src/descriptors/index.ts";
import { FollowProgress, follow, identityOf, lastLinesOffset } from "../../../../src/follow/index.ts";
import type { OpenFile } from "../../../../src/sessions/index.ts";
import type { OutputPath, Target } from "../../../../src/target.ts";
import { TimestampReader } from "../../../../src/text/index.ts";
import { utc } from "../../../../src/times/index.ts";
import type { LaterMatches, LaterMatchesHost } from "../../../tail/later-matches.ts";
import { Merger } from "../../../tail/merger.ts";
import { Notices } from "../../../tail/notices.ts";
import { tailSource } from "../../../tail/tail-source.ts";
import type { TailTarget } from "../../../tail/tail-target.ts";
import type { Connection } from "../../connection/connection.ts";
import { failureLine } from "../../connection/failure-lines.ts";
import type { LineSource } from "../../viewer/document/sources.ts";
import { FollowedOutput } from "./followed-output.ts";
import { type MergedSource, MergedSources, noteRow } from "./merged-source.ts";
import { RowQueue } from "./row-queue.ts";

/** A file or a container's own output in a merged follow. */
export interface FollowEntry {
  connection: Connection;
  /** An absolute path, or an {@link OutputPath}. */
  path: string;
}

/** Patterns whose later matches join a merged follow. */
export interface LaterEntries {
  entryOf(target: Target): FollowEntry;
  matches: LaterMatches;
  /** Why a pattern has no match yet; shown as rows. */
  notes: readonly string[];
}

interface OpenedSource {
  source: MergedSource;
  /** The last lines of the source; undefined if it could not be opened. */
  pieces: AsyncIterable<Buffer> | undefined;
  /** Passes on the data after {@link pieces}, until the follow ends. */
  follow(): Promise<void>;
  close(): void;
}

/** The start of the follow of a file, and the object to which the follow reports. */
interface FollowStart {
  source: MergedSource;
  size: number;
  progress: FollowProgress;
}

interface Run {
  merger: Merger<MergedSource>;
  signal: AbortSignal;
  matches: LaterMatches | undefined;
  opened: OpenedSource[];
}

/** Initial lines of each source. */
const LINES = 1_000;

/** Maximum bytes of a file that appears later, which is shown from its beginning. */
const MAX_WHOLE = 1024 * 1024;

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
  readonly #sources: MergedSources;
  readonly #later: LaterEntries | undefined;
  /** One TailTarget per connection for all its files, so that events are reported once. */
  readonly #tailTargets = new Map<Connection, TailTarget>();
  readonly #names: Set<string>;
  readonly #queue = new RowQueue();
  #newFrom = Number.POSITIVE_INFINITY;

  constructor(chosen: readonly FollowEntry[], later?: LaterEntries) {
    this.#chosen = chosen;
    this.#later = later;
    this.#sources = new MergedSources(chosen.map(namedOf));
    this.#names = new Set(chosen.map(({ connection, path }) => connection.text(path)));
  }

  /** The sources, by the prefixes of their lines. The array grows when a source appears later. */
  get sources(): readonly LineSource[] {
    return this.#sources.all;
  }

  /** Offset after the last lines of all sources; infinity until they have been read. */
  get newFrom(): number {
    return this.#newFrom;
  }

  stream({ signal }: { signal: AbortSignal }): AsyncGenerator<Uint8Array> {
    const merger = new Merger<MergedSource>({ line: (source, bytes) => this.#queue.put(source.row(bytes)) }, NEWLINE);
    return this.#queue.rows(this.#run(merger, signal), signal);
  }

  async #run(merger: Merger<MergedSource>, ended: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const signal = anySignal([ended, stop.signal]);
    // Allows any number of listeners, because each source adds one.
    setMaxListeners(0, signal);
    const joining = new Set<Promise<void>>();
    let isFailed: (error: unknown) => void = () => undefined;
    const failed = new Promise<never>((_resolve, reject) => {
      isFailed = reject;
    });
    failed.catch(() => undefined);
    const matches = this.#later?.matches;
    const host: LaterMatchesHost = {
      tailTarget: (target) => this.#followed(this.#entryOf(target).connection),
      isFollowed: (name) => this.#names.has(name),
      found: ({ target }) => {
        const joined = this.#join(this.#entryOf(target), run);
        joining.add(joined);
        joined.catch(isFailed);
      },
      // The sources report removals themselves, and continue with a new container of the name.
      removed: () => undefined,
      tell: () => undefined,
    };
    const run: Run = { merger, signal, matches, opened: [] };
    run.opened.push(
      ...(await Promise.all(
        this.#chosen.map((one, index) => this.#open(one, this.#sources.all[index] as MergedSource, run)),
      )),
    );
    let endGlobs: (() => void) | undefined;
    try {
      await merger.show(
        run.opened.flatMap(({ source, pieces }) => (pieces === undefined ? [] : [{ source, pieces, goesOn: true }])),
      );
      for (const note of this.#later?.notes ?? []) await this.#queue.put(noteRow(note));
      this.#newFrom = this.#queue.total;
      endGlobs = matches?.watchGlobs(host);
      const running = run.opened.map((opened) => opened.follow());
      if (matches) running.push(matches.watchContainers(host, signal));
      await Promise.race([failed, Promise.all(running)]);
    } finally {
      endGlobs?.();
      stop.abort();
      await Promise.allSettled(joining);
      for (const tailTarget of this.#tailTargets.values()) tailTarget.end();
      for (const opened of run.opened) opened.close();
      await merger.end();
    }
  }

  /** Adds a source that has appeared, until the follow ends. */
  async #join(entry: FollowEntry, run: Run): Promise<void> {
    const source = this.#sources.add(namedOf(entry));
    this.#names.add(entry.connection.text(entry.path));
    const opened = await this.#open(entry, source, run, true);
    run.opened.push(opened);
    await this.#note(source, "new; following it too");
    for await (const piece of opened.pieces ?? []) await run.merger.take(source, piece);
    await opened.follow();
  }

  #open(entry: FollowEntry, source: MergedSource, run: Run, isNew = false): Promise<OpenedSource> {
    return isOutput(entry.path)
      ? this.#openOutput(entry.connection, entry.path, source, run)
      : this.#openFile(entry, source, run, isNew);
  }

  async #openFile(
    { connection, path }: FollowEntry,
    source: MergedSource,
    run: Run,
    isNew: boolean,
  ): Promise<OpenedSource> {
    const zone = await connection.zone().catch(() => utc);
    const reader = new TimestampReader({ now: Date.now(), zone });
    const progress = new FollowProgress();
    run.merger.add(source, (line) => reader.read(line), progress);
    try {
      const file = await connection.use((session) => session.open(path));
      const size = file.size() ?? 0;
      run.matches?.note(this.#followed(connection), identityOf(file.stat));
      return {
        source,
        pieces: file.isSeekable ? partOf(file, size, isNew && size <= MAX_WHOLE) : undefined,
        follow: () =>
          file.isSeekable
            ? this.#follow({ connection, path, source, size, progress }, file, run)
            : this.#note(source, "it cannot seek, so it cannot be merged with others"),
        close: () => file.close(),
      };
    } catch (error) {
      return this.#failed(source, error);
    }
  }

  async #openOutput(
    { target, engine }: Connection,
    path: OutputPath,
    source: MergedSource,
    { merger, signal }: Run,
  ): Promise<OpenedSource> {
    const output = new FollowedOutput("name" in target ? target.name : "", path, engine);
    merger.add(source, output.timeOf);
    try {
      await output.open(signal);
    } catch (error) {
      return this.#failed(source, error);
    }
    const sink = {
      line: (line: Buffer) => merger.take(source, line),
      lineEnded: () => merger.endLine(source),
      notice: (text: string) => this.#note(source, text),
    };
    return {
      source,
      pieces: output.lastLines(LINES, signal),
      follow: () => output.follow(sink, signal),
      close: () => undefined,
    };
  }

  /** Returns a source that only reports its error. */
  #failed(source: MergedSource, error: unknown): OpenedSource {
    return {
      source,
      pieces: undefined,
      follow: () => this.#note(source, failureLine(error)),
      close: () => undefined,
    };
  }

  async #follow(
    { connection, path, source, size, progress }: FollowEntry & FollowStart,
    file: OpenFile,
    { merger, signal, matches }: Run,
  ): Promise<void> {
    const notices = new Notices(source.name, { retries: true, keepsName: true });
    const tailTarget = this.#followed(connection);
    for await (const event of follow(tailSource(tailTarget, path, file), { position: size, signal, progress })) {
      if (event.kind === "data") await merger.take(source, event.bytes);
      else {
        const begins = "file" in event && event.file !== undefined && !event.continues;
        if (begins || event.kind === "truncated") await merger.endLine(source);
        if ("file" in event && event.file) matches?.note(tailTarget, event.file.identity);
        const text = notices.of(event);
        if (text !== undefined) await this.#note(source, text);
      }
    }
  }

  #followed(connection: Connection): TailTarget {
    const known = this.#tailTargets.get(connection);
    if (known !== undefined) return known;
    const followed = connection.followed((text) => void this.#queue.put(noteRow(text)));
    this.#tailTargets.set(connection, followed);
    return followed;
  }

  #entryOf(target: Target): FollowEntry {
    if (!this.#later) throw new Error("only a follow with patterns has later sources");
    return this.#later.entryOf(target);
  }

  #note(source: MergedSource, text: string): Promise<void> {
    return this.#queue.put(Buffer.concat([source.beginning, noteRow(text)]));
  }
}

/** True for the path of a container's own output. */
export function isOutput(path: string): path is OutputPath {
  return path.startsWith("@");
}

/** Yields the last lines of the first `size` bytes, or all of them. */
async function* partOf(file: OpenFile, size: number, isWhole: boolean): AsyncGenerator<Buffer> {
  const read = (position: number, buffer: Uint8Array) => file.read(buffer, position);
  for (let at = isWhole ? 0 : lastLinesOffset(read, size, LINES, NEWLINE); at < size; ) {
    const buffer = Buffer.allocUnsafe(Math.min(65_536, size - at));
    const length = file.read(buffer, at);
    if (length === 0) return;
    at += length;
    yield buffer.subarray(0, length);
  }
}

function namedOf({ connection: { name, engine }, path }: FollowEntry) {
  return { container: name, path, engine };
}
