import { CHUNK, type ReadAt, type Stretch } from "./chunks.ts";
import { countNewlines } from "./count.ts";
import { FileSearch, type FileSearchOptions } from "./file-search.ts";
import { BLOCK } from "./line-buffer.ts";
import { linesBefore } from "./line-search.ts";
import type { Matcher } from "./matcher.ts";
import type { Scanner } from "./scanner.ts";
import type { Sink } from "./sink.ts";

/** Files from this size on are searched by several threads: starting one takes as long as searching that much. */
const LARGE = 64 * 1024 * 1024;

/** A file that can be read at any position. */
export interface SeekableFile {
  /** For helpers, who pread by themselves. */
  fd: number;
  size: number;
  read: ReadAt;
}

/**
 * Searches a seekable file, from its beginning to the end that it has by then, and tells the sink. Does not give way to the event loop unless a
 * scanner helps.
 * @throws what reading throws; PortholeError FILE, EOVERFLOW for an endless line
 */
export async function searchFile(
  file: SeekableFile,
  matcher: Matcher,
  sink: Sink,
  options: FileSearchOptions,
  scanner?: Scanner,
): Promise<void> {
  const search = new FileSearch(matcher, sink, options);
  const chunks =
    scanner === undefined || file.size < (options.threadsFrom ?? LARGE) || options.invert
      ? 0
      : Math.floor(file.size / CHUNK);
  const skimmer = new Skimmer(file.read, search, options.before ?? 0);
  let goesOn = true;
  if (scanner !== undefined && chunks > 0) goesOn = await skimmer.skim(scanner, file.fd, chunks, options);
  while (goesOn) goesOn = search.filled(file.read(search.room(), search.position));
  search.finish();
}

/** Searches what comes in pieces, to its end or until nothing more is wanted. `idle` is called whenever all that came was searched. */
export async function searchStream(
  stream: AsyncIterable<Uint8Array>,
  matcher: Matcher,
  sink: Sink,
  options: FileSearchOptions,
  idle: () => void,
): Promise<void> {
  const search = new FileSearch(matcher, sink, options);
  if (await pour(stream, search, idle)) search.filled(0);
  search.finish();
}

/** False when no more was wanted. */
async function pour(stream: AsyncIterable<Uint8Array>, search: FileSearch, idle: () => void): Promise<boolean> {
  for await (const piece of stream) {
    for (let at = 0; at < piece.length; ) {
      const room = search.room();
      const part = piece.subarray(at, at + room.length);
      room.set(part);
      if (!search.filled(part.length)) return false;
      at += part.length;
    }
    idle();
  }
  return true;
}

/** Leads a search past what a scanner found to be without a match. */
class Skimmer {
  readonly #read: ReadAt;
  readonly #search: FileSearch;
  readonly #before: number;
  /** The beginning of a line up to which reports came, and its number. */
  #at = 0;
  #number = 1;

  constructor(read: ReadAt, search: FileSearch, before: number) {
    this.#read = read;
    this.#search = search;
    this.#before = before;
  }

  /** False when the search has had enough; else it goes on by itself from where it is. */
  async skim(scanner: Scanner, fd: number, chunks: number, options: FileSearchOptions): Promise<boolean> {
    const scan = { stopsAtNul: options.binary !== "text", lineNumbers: options.lineNumbers === true };
    let end = 0;
    for await (const report of scanner.reports(fd, this.#read, chunks, scan)) {
      end += CHUNK;
      // A line that began before goes through all of it.
      if (report.start === undefined && this.#at >= end) continue;
      // It grew or shrank in between.
      if (report.start !== this.#at) break;
      for (const stretch of report.stretches) if (!this.#pass(stretch)) return false;
      if (report.isPartial) break;
    }
    this.#skip();
    return true;
  }

  #pass(stretch: Stretch): boolean {
    const { lines } = this.#search;
    // What is read at once holds a short gap anyway.
    if (stretch.isHit && this.#at - lines.searched > BLOCK) this.#skip();
    this.#at = stretch.end;
    this.#number += stretch.newlines;
    while (lines.searched < stretch.end && (stretch.isHit || lines.wantsContext)) {
      if (!this.#search.filled(this.#read(this.#search.room(), this.#search.position))) return false;
    }
    return true;
  }

  /** Goes to where the reports are, less the lines that a match there would have before it. */
  #skip(): void {
    const { searched, shown } = this.#search.lines;
    if (searched >= this.#at) return;
    let context: Buffer = Buffer.alloc(0);
    for (let wanted = BLOCK; this.#before > 0; wanted *= 4) {
      const length = Math.min(wanted, this.#at - shown);
      const bytes = this.#bytesBefore(length);
      const from = linesBefore(bytes, 0, bytes.length, this.#before);
      context = bytes.subarray(from);
      // At the very beginning of what was read a line may be cut.
      if (from > 0 || length === this.#at - shown) break;
    }
    this.#search.jump(this.#at - context.length, this.#number - countNewlines(context, 0, context.length));
  }

  #bytesBefore(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    for (let done = 0; done < length; ) {
      const count = this.#read(bytes.subarray(done), this.#at - length + done);
      if (count === 0) return bytes.subarray(0, 0); // it shrank
      done += count;
    }
    return bytes;
  }
}
