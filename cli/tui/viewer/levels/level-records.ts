import {
  BlockCache,
  decodeAs,
  HEAD_BYTES,
  Lines,
  levelOf,
  RecordHeads,
  type RecordLevel,
} from "../../../../src/text/index.ts";
import type { Document } from "../document/document.ts";
import { hasRecords } from "../document/has-records.ts";

/** The first line of a record. */
export interface LevelRecord {
  /** Offset of the line. */
  line: number;
  level: RecordLevel;
  /** Decodes the beginning of the line, up to this number of bytes. */
  textOf(bytes: number): string;
}

/**
 * Reads the records of a document. One step of the generator is one line; the step of a
 * continuation line has no record.
 */
export function recordReader(
  document: Document,
): (from: number, to: number) => Generator<LevelRecord | undefined, void> {
  const { source, encoding } = document;
  // Uses a separate cache, because the screen's cache must keep the data of the screen.
  const lines = new Lines(new BlockCache(source, 4), encoding);
  const heads = hasRecords(document) ? new RecordHeads() : undefined;
  return function* (from, to) {
    const first = lines.at(from);
    for (
      let line = first < from ? lines.next(first) : first;
      line !== undefined && line < to;
      line = lines.next(line)
    ) {
      const at = line;
      const textOf = (bytes: number) =>
        decodeAs(lines.cache.slice(at, Math.min(at + bytes, lines.next(at) ?? lines.end())), encoding);
      yield !heads || heads.begins(textOf(HEAD_BYTES)) ? { line, level: levelOf(textOf), textOf } : undefined;
    }
  };
}

/** Returns ranges of `length` bytes, evenly spaced from `start` to `end`. */
export function evenlySpaced(
  { start, end }: { start: number; end: number },
  count: number,
  length: number,
): { from: number; to: number }[] {
  return Array.from({ length: count }, (_, index) => {
    const from = start + Math.floor(((end - start - length) * index) / Math.max(1, count - 1));
    return { from, to: from + length };
  });
}
