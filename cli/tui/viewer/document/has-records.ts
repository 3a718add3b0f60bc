import { decodeAs, HEAD_BYTES, RecordHeads } from "../../../../src/text/index.ts";
import type { Document } from "./document.ts";

/** Number of lines in a sample, from the beginning and from the end of a text. */
const SAMPLE = 200;

/**
 * True if most lines in a sample of a text begin a record. The other lines are then continuation
 * lines, such as stack traces.
 */
export function hasRecords(document: Document): boolean {
  const { lines } = document;
  const heads = new RecordHeads();
  const first = linesFrom(document, lines.first(), (line) => lines.next(line));
  const last = linesFrom(document, lines.last(), (line) => lines.previous(line));
  return heads.areMost([...first, ...last]);
}

function linesFrom(
  { lines, cache, encoding }: Document,
  from: number | undefined,
  step: (line: number) => number | undefined,
): string[] {
  const found: string[] = [];
  for (let at = from; at !== undefined && found.length < SAMPLE; at = step(at)) {
    const end = Math.min(at + HEAD_BYTES, lines.next(at) ?? lines.end());
    found.push(decodeAs(cache.slice(at, end), encoding));
  }
  return found;
}
