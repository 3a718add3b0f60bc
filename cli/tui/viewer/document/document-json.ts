import { decodeAs } from "../../../../src/text/index.ts";
import type { DocumentLines } from "./document-lines.ts";
import { JsonSample } from "./json-sample.ts";

/**
 * Maximum number of leading bytes that are read, so that the cost does not depend on the size. The
 * first bytes suffice for nearly all texts.
 */
const HEADS = [4 * 1024, 64 * 1024];

/** Whether the first lines of a text are JSON. */
export interface DocumentJson {
  isJson: boolean;
  /** False while more lines may change the result. */
  isKnown: boolean;
}

/** Reads the first complete lines of a text, without the rows of porthole between files. */
export function documentJson(document: DocumentLines): DocumentJson {
  let result: DocumentJson = { isJson: false, isKnown: false };
  for (const head of HEADS) {
    const sample = new JsonSample();
    const { text, isWhole } = headOf(document, head);
    // The text after the last newline may be incomplete.
    for (const line of text.split("\n").slice(0, -1)) sample.add(line);
    result = { isJson: sample.isJson, isKnown: sample.isKnown };
    if (sample.isKnown || isWhole) return result;
  }
  return { ...result, isKnown: true };
}

/** Returns the first bytes of a text, decoded. `isWhole`: the text has no more. */
function headOf({ cache, chain, encoding, mark, source }: DocumentLines, head: number) {
  const start = Math.max(mark, source.start());
  const end = Math.min(source.end(), start + head);
  const pieces: Uint8Array[] = [];
  let from = start;
  for (const note of chain?.notes() ?? []) {
    if (note.end <= from || note.at >= end) continue;
    pieces.push(cache.slice(from, Math.max(from, note.at)));
    from = note.end;
  }
  pieces.push(cache.slice(from, Math.max(from, end)));
  return { text: decodeAs(Buffer.concat(pieces), encoding), isWhole: source.end() - start < head };
}
