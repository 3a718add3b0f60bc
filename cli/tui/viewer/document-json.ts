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

/** Reads the first complete lines of a text. */
export function documentJson({ cache, encoding, mark, source }: Document): DocumentJson {
  const start = Math.max(mark, source.start());
  const lines = decodeAs(cache.slice(start, Math.min(source.end(), start + HEAD)), encoding).split("\n");
  const sample = new JsonSample();
  // The text after the last newline may be incomplete.
  for (const line of lines.slice(0, -1)) sample.add(line);
  return { isJson: sample.isJson, isKnown: sample.isFull || source.end() - start >= HEAD };
}
