import { type Encoding, LineIndex, Lines, Scan } from "../../../../src/text/index.ts";
import type { Content } from "./content.ts";
import { DocumentLines } from "./document-lines.ts";

/** A source of bytes, its encoding and the counts of its lines. */
export class Document extends DocumentLines {
  readonly #changed: () => void;
  index: LineIndex;
  #end = 0;

  /** `changed` is called when a count changes. */
  constructor(content: Content, changed: () => void) {
    super(content);
    this.#changed = changed;
    this.index = this.#newIndex();
  }

  /** Sets another encoding. Resolves once no count uses the old one. */
  async readAs(encoding: Encoding): Promise<void> {
    const { scan } = this.index;
    this.encoding = encoding;
    this.lines = new Lines(this.cache, encoding);
    this.index = this.#newIndex();
    await scan.cancel();
  }

  /** Compares the size with that of the last frame. `cut`: the file became shorter. */
  look(): "same" | "grown" | "cut" {
    const end = this.source.end();
    const before = this.#end;
    this.#end = end;
    return end < before ? "cut" : end > before ? "grown" : "same";
  }

  /** End of the source at the last check. */
  get knownEnd(): number {
    return this.#end;
  }

  /** Drops everything before `offset`. No scan may be in progress. */
  dropBefore(offset: number): void {
    this.cache.clear();
    this.index.scan.counts.dropBefore(offset);
    this.#end = this.source.end();
  }

  /** Returns the number of the line that begins at `offset` in its own file, from 1. */
  lineNumber(offset: number): { number: number; isExact: boolean } {
    const at = this.index.before(offset);
    const file = this.chain?.fileAt(offset);
    if (!file || file.begins <= 0) return { number: at.count - (file?.foreign ?? 0) + 1, isExact: at.isExact };
    const begins = this.index.before(file.begins);
    return {
      number: at.count - begins.count - file.foreign + 1,
      // Numbers within a completely counted file are exact, even if earlier files are not counted.
      isExact: at.isExact && begins.isExact && !file.isCut,
    };
  }

  /**
   * Returns the offset of line `number` of the newest file; "unknown" if the line is not counted
   * yet, undefined if there is no such line.
   */
  offsetOfLine(number: number): number | "unknown" | undefined {
    const file = this.chain?.fileAt(this.source.end());
    const begins = file && file.begins > 0 ? this.index.before(file.begins) : { count: 0, isExact: true };
    if (!begins.isExact) return "unknown";
    return number <= 1 ? (file?.begins ?? 0) : this.index.offsetBehind(begins.count + number - 1);
  }

  #newIndex(): LineIndex {
    const scan = new Scan(this.source, { kind: "newlines", encoding: this.encoding }, this.#changed);
    return new LineIndex(scan, this.cache, this.encoding);
  }
}
