import type { Encoding } from "../encoding/encoding.ts";
import { countLines, findNewline } from "../rows/newlines.ts";
import { BLOCK } from "../sources/block-cache.ts";
import type { ByteSource } from "../sources/byte-source.ts";
import { CHUNK, type LineSelector, rawPieces } from "./chunk-pieces.ts";
import { type LineQuery, matchingLines } from "./matching-lines.ts";
import { type SelectionQuery, selectedLines } from "./selected-lines.ts";

export { CHUNK } from "./chunk-pieces.ts";

/** The subject of a search. Can be sent to a worker. */
export type Query =
  | { kind: "newlines"; encoding: Encoding }
  /** Lines that match, or do not match. */
  | ({ kind: "lines" } & LineQuery)
  /** Lines that meet several conditions, by records. */
  | ({ kind: "selection" } & SelectionQuery)
  /** A byte string at any offset. */
  | { kind: "bytes"; bytes: Uint8Array };

/** Searches one chunk at a time. A hit belongs to the chunk in which it begins. */
export interface ChunkCounter {
  count(chunk: number): number;
  /**
   * Returns the offsets of hits, ascending: last bytes of newlines, first bytes of lines or byte
   * strings. `from`: omits hits before this offset, which {@link openFrom} returned.
   */
  positions(chunk: number, from?: number): number[];
  /**
   * Hits before this offset do not change if bytes are appended to a source that ended at `end`.
   * Undefined if a chunk can only be searched as a whole.
   */
  openFrom?(end: number): number;
}

/**
 * Returns the number of bytes after a chunk that may change its hits: the rest of its last line or
 * record.
 */
export function reachOf(query: Query): number {
  if (query.kind === "newlines") return 0;
  return query.kind === "bytes" ? Math.max(0, query.bytes.length - 1) : CHUNK;
}

/** @throws Error with a one-line message for an invalid pattern */
export function chunkCounter(source: ByteSource, query: Query): ChunkCounter {
  switch (query.kind) {
    case "newlines":
      return newlineCounter(source, query.encoding);
    case "lines":
      return lineCounter(matchingLines(source, query));
    case "selection":
      return lineCounter(selectedLines(source, query));
    case "bytes":
      return counterOf(bytesAt(source, Buffer.from(query.bytes)));
  }
}

/** Reports each hit of a chunk, from an offset on. */
type EachHit = (chunk: number, hit: (offset: number) => void, from?: number) => void;

function lineCounter({ each, openFrom }: LineSelector): ChunkCounter {
  return { ...counterOf(each), openFrom };
}

function counterOf(each: EachHit): ChunkCounter {
  return {
    count(chunk) {
      let count = 0;
      each(chunk, () => count++);
      return count;
    },
    positions(chunk, from) {
      const found: number[] = [];
      each(chunk, (offset) => found.push(offset), from);
      return found;
    },
  };
}

function newlineCounter(source: ByteSource, encoding: Encoding): ChunkCounter {
  const buffer = Buffer.allocUnsafeSlow(BLOCK);
  const { positions } = counterOf((chunk, hit) => {
    for (const { offset, bytes } of rawPieces(source, chunk, buffer, 0))
      for (let at = findNewline(bytes, 0, encoding); at !== -1; at = findNewline(bytes, at + 1, encoding))
        hit(offset + at);
  });
  // Counting is several times as fast as reporting each hit.
  const count = (chunk: number) => {
    let count = 0;
    for (const { bytes } of rawPieces(source, chunk, buffer, 0)) count += countLines(bytes, 0, bytes.length, encoding);
    return count;
  };
  return { count, positions };
}

function bytesAt(source: ByteSource, wanted: Buffer): EachHit {
  const buffer = Buffer.allocUnsafeSlow(BLOCK + wanted.length);
  return (chunk, hit) => {
    if (wanted.length === 0) return;
    for (const { offset, bytes, own } of rawPieces(source, chunk, buffer, wanted.length - 1))
      for (let at = bytes.indexOf(wanted); at !== -1 && at < own; at = bytes.indexOf(wanted, at + 1)) hit(offset + at);
  };
}
