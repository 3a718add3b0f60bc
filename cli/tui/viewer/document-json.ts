import { decodeAs } from "../../../src/text/index.ts";
import type { Document } from "./document.ts";
import { JsonSample } from "./json-sample.ts";

/** Number of leading bytes that are read, so that the cost does not depend on the size. */
const HEAD = 64 * 1024;

/** Whether the first lines of a text are JSON. */
export interface DocumentJson {
  isJson: boolean;
  /** False while more lines may change the result. */
  isKnown: boolean;
}

/** Reads the first complete lines of a text, without the rows of porthole between files. */
export function documentJson({ cache, chain, encoding, mark, source }: Document): DocumentJson {
  const start = Math.max(mark, source.start());
  const end = Math.min(source.end(), start + HEAD);
  const pieces: Uint8Array[] = [];
  let from = start;
  for (const note of chain?.notes() ?? []) {
    if (note.end <= from || note.at >= end) continue;
    pieces.push(cache.slice(from, Math.max(from, note.at)));
    from = note.end;
  }
  pieces.push(cache.slice(from, Math.max(from, end)));
  const lines = decodeAs(Buffer.concat(pieces), encoding).split("\n");
  const sample = new JsonSample();
  // The text after the last newline may be incomplete.
  for (const line of lines.slice(0, -1)) sample.add(line);
  return { isJson: sample.isJson, isKnown: sample.isFull || source.end() - start >= HEAD };
}
