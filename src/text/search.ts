import { isAscii } from "node:buffer";
import { BLOCK, BlockCache } from "./block-cache.ts";
import type { ByteSource } from "./byte-source.ts";
import { Lines } from "./lines.ts";
import type { Pattern } from "./pattern.ts";

export interface SearchRequest {
  /** A line boundary: forward searches begin with this line, backward ones with the line before it. */
  from: number;
  direction: "forward" | "backward";
}

const NEWLINE = 10;

/**
 * Looks for the nearest line that matches. A generator so that its caller decides how long to keep at it: it yields the position reached after
 * each chunk of whole lines (64 KiB, more only for longer lines) and returns the offset of the line, or undefined when there is none.
 */
export function* searchLines(
  source: ByteSource,
  pattern: Pattern,
  request: SearchRequest,
): Generator<number, number | undefined> {
  const chunks =
    request.direction === "forward" ? chunksAfter(source, request.from) : chunksBefore(source, request.from);
  for (const { offset, bytes } of chunks) {
    const found = request.direction === "forward" ? firstMatch(bytes, pattern) : lastMatch(bytes, pattern);
    if (found !== undefined) return offset + found;
    yield request.direction === "forward" ? offset + bytes.length : offset;
  }
  return undefined;
}

interface Chunk {
  offset: number;
  bytes: Buffer;
}

function* chunksAfter(source: ByteSource, from: number): Generator<Chunk> {
  const end = source.end();
  const lines = new Lines(new BlockCache(source, 64));
  const buffer = Buffer.allocUnsafeSlow(BLOCK);
  for (let offset = Math.max(from, source.start()); offset < end; ) {
    const count = source.read(offset, buffer);
    if (count === 0) return;
    const newline = buffer.lastIndexOf(NEWLINE, count - 1);
    const complete = offset + count >= end ? count : newline + 1;
    const bytes = complete > 0 ? buffer.subarray(0, complete) : lines.cache.slice(offset, lines.next(offset) ?? end);
    if (bytes.length === 0) return;
    yield { offset, bytes };
    offset += bytes.length;
  }
}

function* chunksBefore(source: ByteSource, from: number): Generator<Chunk> {
  const lines = new Lines(new BlockCache(source, 64));
  for (let end = Math.min(from, source.end()); end > source.start(); ) {
    const offset = lines.at(Math.max(source.start(), end - BLOCK));
    const bytes = lines.cache.slice(offset, end);
    if (bytes.length === 0) return;
    yield { offset, bytes };
    end = offset;
  }
}

/** Offset in `bytes` (whole lines) of the first line that matches. */
function firstMatch(bytes: Buffer, pattern: Pattern): number | undefined {
  if (pattern.literal) {
    const found = bytes.indexOf(pattern.literal);
    return found === -1 ? undefined : lineStart(bytes, found);
  }
  const text = lineText(bytes);
  const found = matchFrom(text, pattern, 0);
  return found === undefined ? undefined : byteOffset(bytes, text, found);
}

function lastMatch(bytes: Buffer, pattern: Pattern): number | undefined {
  if (pattern.literal) {
    const found = bytes.lastIndexOf(pattern.literal);
    return found === -1 ? undefined : lineStart(bytes, found);
  }
  const text = lineText(bytes);
  let last: number | undefined;
  for (let at: number | undefined = 0; at !== undefined; ) {
    const found = matchFrom(text, pattern, at);
    if (found === undefined) break;
    last = found;
    const newline = text.indexOf("\n", found);
    at = newline === -1 ? undefined : newline + 1;
  }
  return last === undefined ? undefined : byteOffset(bytes, text, last);
}

/** Index of the first line at or after line index `from` that matches. */
function matchFrom(text: string, pattern: Pattern, from: number): number | undefined {
  const { regex } = pattern;
  if (!pattern.byLine) {
    regex.lastIndex = from;
    const match = regex.exec(text);
    if (!match) return undefined;
    // lastIndexOf takes a negative position for 0.
    return match.index === 0 ? 0 : text.lastIndexOf("\n", match.index - 1) + 1;
  }
  for (let at = from; at <= text.length; ) {
    const newline = text.indexOf("\n", at);
    const end = newline === -1 ? text.length : newline;
    regex.lastIndex = 0;
    if (regex.test(text.slice(at, end))) return at;
    at = end + 1;
  }
  return undefined;
}

/** The chunk as a string without its last newline, after which no further (empty) line begins. Latin-1 where that is the same and faster. */
function lineText(bytes: Buffer): string {
  const end = bytes.at(-1) === NEWLINE ? bytes.length - 1 : bytes.length;
  return bytes.toString(isAscii(bytes) ? "latin1" : "utf8", 0, end);
}

/** Turns the string index of a line into a byte offset, by counting newlines: decoding may have changed lengths. */
function byteOffset(bytes: Buffer, text: string, index: number): number {
  if (isAscii(bytes)) return index;
  let offset = 0;
  for (let at = text.indexOf("\n"); at !== -1 && at < index; at = text.indexOf("\n", at + 1))
    offset = bytes.indexOf(NEWLINE, offset) + 1;
  return offset;
}

function lineStart(bytes: Buffer, offset: number): number {
  return offset === 0 ? 0 : bytes.lastIndexOf(NEWLINE, offset - 1) + 1;
}
