import { BLOCK, BlockCache } from "./block-cache.ts";
import type { ByteSource } from "./byte-source.ts";
import { asUtf8, type Encoding, unitOf } from "./encoding.ts";
import { Matcher, type MatchOptions } from "./grep/matcher.ts";
import { translate } from "./grep/syntax.ts";
import { Lines, LONGEST_LINE } from "./lines.ts";
import { countLines, findNewline, findNewlineBack } from "./newlines.ts";
import { scratchFor } from "./scratch.ts";

const NEWLINE = 10;

/** A source is looked through, and what was found is kept, in chunks of this many bytes: a millisecond or less each. */
export const CHUNK = LONGEST_LINE;

/** What to look for. Can be sent to a worker. */
export type Query =
  /** Newlines. */
  | { kind: "newlines"; encoding: Encoding }
  /** Lines that match; those that do not when `invert`. */
  | { kind: "lines"; encoding: Encoding; match: MatchOptions; invert?: boolean }
  /** Bytes, wherever they are. */
  | { kind: "bytes"; bytes: Uint8Array };

/** Looks through one chunk at a time. A hit belongs to the chunk in which it begins. */
export interface ChunkCounter {
  count(chunk: number): number;
  /** Offsets of the hits: of newlines' last bytes, of lines' beginnings, of the bytes' beginnings. Ascending. */
  positions(chunk: number): number[];
}

/** @throws Error for a pattern that is not one; its message is one line. */
export function chunkCounter(source: ByteSource, query: Query): ChunkCounter {
  switch (query.kind) {
    case "newlines":
      return new NewlineCounter(source, query.encoding);
    case "lines":
      return new LineCounter(source, query);
    case "bytes":
      return new ByteCounter(source, Buffer.from(query.bytes));
  }
}

class NewlineCounter implements ChunkCounter {
  readonly #source: ByteSource;
  readonly #encoding: Encoding;
  readonly #buffer = Buffer.allocUnsafeSlow(BLOCK);

  constructor(source: ByteSource, encoding: Encoding) {
    this.#source = source;
    this.#encoding = encoding;
  }

  count(chunk: number): number {
    let count = 0;
    for (const { bytes } of rawPieces(this.#source, chunk, this.#buffer, 0))
      count += countLines(bytes, 0, bytes.length, this.#encoding);
    return count;
  }

  positions(chunk: number): number[] {
    const found: number[] = [];
    for (const { offset, bytes } of rawPieces(this.#source, chunk, this.#buffer, 0))
      for (let at = findNewline(bytes, 0, this.#encoding); at !== -1; at = findNewline(bytes, at + 1, this.#encoding))
        found.push(offset + at);
    return found;
  }
}

class LineCounter implements ChunkCounter {
  readonly #lines: Lines;
  readonly #matcher: Matcher;
  /** All that the pattern is, where that is plain text. */
  readonly #literal: Buffer | undefined;
  readonly #invert: boolean;
  readonly #buffer = Buffer.allocUnsafeSlow(BLOCK);

  constructor(source: ByteSource, { encoding, match, invert = false }: Extract<Query, { kind: "lines" }>) {
    // Two of the longest lines, for where a chunk begins in one.
    this.#lines = new Lines(new BlockCache(source, (2 * LONGEST_LINE) / BLOCK + 1), encoding);
    this.#matcher = new Matcher(match);
    this.#literal = invert ? undefined : literalOf(match);
    this.#invert = invert;
  }

  count(chunk: number): number {
    let count = 0;
    this.#each(chunk, () => count++);
    return count;
  }

  positions(chunk: number): number[] {
    const found: number[] = [];
    this.#each(chunk, (offset) => found.push(offset));
    return found;
  }

  #each(chunk: number, hit: (offset: number) => void): void {
    try {
      for (const { offset, bytes } of linePieces(this.#lines, chunk, this.#buffer)) this.#eachIn(bytes, offset, hit);
    } finally {
      // The end of what grows will be another one, and the buffers serve whoever comes next.
      this.#lines.cache.clear();
    }
  }

  #eachIn(bytes: Buffer, offset: number, hit: (offset: number) => void): void {
    const text = asUtf8(bytes, this.#lines.encoding);
    if (text !== bytes) this.#eachTranscoded(bytes, text, offset, hit);
    else if (this.#literal) eachWith(this.#literal, bytes, offset, hit);
    else if (this.#invert) this.#eachOther(bytes, offset, hit);
    else {
      const block = this.#matcher.block(bytes);
      for (let line = block.next(0); line; line = block.next(line.end)) hit(offset + line.start);
    }
  }

  #eachOther(bytes: Buffer, offset: number, hit: (offset: number) => void): void {
    const block = this.#matcher.block(bytes);
    let at = 0;
    for (let line = block.next(0); at < bytes.length; line = line && block.next(line.end)) {
      const to = line?.start ?? bytes.length;
      for (; at < to; at = bytes.indexOf(NEWLINE, at) + 1 || bytes.length) hit(offset + at);
      at = line?.end ?? bytes.length;
    }
  }

  /** The lines of the text are those of the bytes, one by one. */
  #eachTranscoded(bytes: Buffer, text: Buffer, offset: number, hit: (offset: number) => void): void {
    const { encoding } = this.#lines;
    const block = this.#matcher.block(text);
    let match = block.next(0);
    for (let at = 0, from = 0; at < bytes.length && from < text.length; ) {
      const isMatch = match?.start === from;
      if (isMatch !== this.#invert) hit(offset + at);
      if (match && isMatch) match = block.next(match.end);
      at = findNewline(bytes, at, encoding) + 1 || bytes.length;
      from = text.indexOf(NEWLINE, from) + 1 || text.length;
    }
  }
}

/** A pattern without a special character is looked for in the bytes: making a string of each block would take as long as that. */
function literalOf({ patterns, fixed, ignoreCase, word, line }: MatchOptions): Buffer | undefined {
  const [pattern = ""] = patterns;
  if (patterns.length !== 1 || ignoreCase || word || line || !pattern.isWellFormed()) return undefined;
  const literal = fixed ? pattern : translate(pattern).literal;
  return literal ? Buffer.from(literal) : undefined;
}

/** Lines that have the text. */
function eachWith(text: Buffer, bytes: Buffer, offset: number, hit: (offset: number) => void): void {
  for (let at = bytes.indexOf(text); at !== -1; ) {
    hit(offset + (at === 0 ? 0 : bytes.lastIndexOf(NEWLINE, at - 1) + 1));
    const end = bytes.indexOf(NEWLINE, at);
    at = end === -1 ? -1 : bytes.indexOf(text, end + 1);
  }
}

class ByteCounter implements ChunkCounter {
  readonly #source: ByteSource;
  readonly #wanted: Buffer;
  readonly #buffer: Buffer;

  constructor(source: ByteSource, wanted: Buffer) {
    this.#source = source;
    this.#wanted = wanted;
    this.#buffer = Buffer.allocUnsafeSlow(BLOCK + wanted.length);
  }

  count(chunk: number): number {
    let count = 0;
    this.#each(chunk, () => count++);
    return count;
  }

  positions(chunk: number): number[] {
    const found: number[] = [];
    this.#each(chunk, (offset) => found.push(offset));
    return found;
  }

  #each(chunk: number, hit: (offset: number) => void): void {
    const wanted = this.#wanted;
    if (wanted.length === 0) return;
    for (const { offset, bytes, own } of rawPieces(this.#source, chunk, this.#buffer, wanted.length - 1))
      for (let at = bytes.indexOf(wanted); at !== -1 && at < own; at = bytes.indexOf(wanted, at + 1)) hit(offset + at);
  }
}

/** The bytes of a chunk in blocks, `own` of each, and `overlap` bytes more where there are. */
function* rawPieces(
  source: ByteSource,
  chunk: number,
  buffer: Buffer,
  overlap: number,
): Generator<{ offset: number; bytes: Buffer; own: number }> {
  const to = Math.min((chunk + 1) * CHUNK, source.end());
  for (let offset = Math.max(chunk * CHUNK, source.start()); offset < to; ) {
    const own = Math.min(BLOCK, to - offset);
    const count = fill(source, offset, buffer.subarray(0, own + overlap));
    if (count === 0) return;
    yield { offset, bytes: buffer.subarray(0, count), own: Math.min(own, count) };
    offset += Math.min(own, count);
  }
}

function fill(source: ByteSource, offset: number, buffer: Buffer): number {
  let length = 0;
  while (length < buffer.length) {
    const count = source.read(offset + length, buffer.subarray(length));
    if (count === 0) break;
    length += count;
  }
  return length;
}

/** The lines that begin in a chunk, whole, in pieces of a block; more only for a longer line. */
function* linePieces(lines: Lines, chunk: number, buffer: Buffer): Generator<{ offset: number; bytes: Buffer }> {
  const { cache, encoding } = lines;
  const end = lines.end();
  const to = Math.min((chunk + 1) * CHUNK, end);
  for (let offset = firstLine(lines, chunk * CHUNK); offset < to; ) {
    const count = fill(cache.source, offset, buffer);
    if (count === 0) return;
    const whole = offset + count >= end ? count : findNewlineBack(buffer, count, encoding) + 1;
    let bytes = whole > 0 ? buffer.subarray(0, whole) : longLine(lines, offset);
    if (bytes.length === 0) return;
    if (offset + bytes.length > to) {
      const last = findNewline(bytes, Math.max(0, to - unitOf(encoding) - offset), encoding);
      if (last !== -1) bytes = bytes.subarray(0, last + 1);
    }
    yield { offset, bytes };
    offset += bytes.length;
  }
}

function longLine(lines: Lines, from: number): Buffer {
  const bytes = scratchFor((lines.next(from) ?? lines.end()) - from);
  return bytes.subarray(0, fill(lines.cache.source, from, bytes));
}

/** The first line that begins at `offset` or later; the end where there is none. */
function firstLine(lines: Lines, offset: number): number {
  const from = Math.max(offset, lines.start());
  const line = lines.at(from);
  return line === from ? from : (lines.next(line) ?? lines.end());
}
