import { BlockCache, type ByteSource, Lines, Searcher, Viewport } from "../../src/text/index.ts";
import { Pane } from "./pane.ts";

/** One source of bytes with all that is derived from it. A rotation makes a new one. */
export class Document {
  readonly source: ByteSource;
  readonly lines: Lines;
  readonly viewport: Viewport;
  readonly pane: Pane;
  readonly searcher: Searcher;
  #end = 0;

  constructor(source: ByteSource) {
    this.source = source;
    this.lines = new Lines(new BlockCache(source));
    this.viewport = new Viewport(this.lines);
    this.pane = new Pane(this.lines);
    this.searcher = new Searcher(source);
  }

  /** Looks at the size once a frame. True when the bytes were cut: what was read of them is forgotten. */
  refresh(): boolean {
    const end = this.source.end();
    const cut = end < this.#end;
    this.#end = end;
    if (cut) this.forget();
    this.viewport.settle();
    return cut;
  }

  /** The bytes were replaced in place. */
  forget(): void {
    this.lines.cache.clear();
    this.pane.clear();
    this.viewport.forget();
    this.viewport.settle();
  }
}
