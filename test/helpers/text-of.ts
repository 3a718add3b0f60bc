import type { Readable } from "node:stream";

/** Collects what a stream delivers, and returns a function that returns the text so far. */
export function textOf(stream: Readable | null): () => string {
  let text = "";
  stream?.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  return () => text;
}
