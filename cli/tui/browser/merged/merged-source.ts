import { sanitiseText } from "../../../../src/text/index.ts";
import { SOURCE_COLOURS } from "../../../tail/source-colours.ts";
import { textWidth } from "../../canvas/text-width.ts";
import { JsonSample } from "../../viewer/document/json-sample.ts";
import type { LineSource } from "../../viewer/document/sources.ts";
import { fullName, type Named, shortNames } from "./short-names.ts";

/** A source of a merged follow. Each line begins with the source's short name in its colour. */
export class MergedSource implements LineSource {
  readonly name: string;
  readonly beginning: Buffer;
  readonly #sample = new JsonSample();

  constructor(name: string, index: number, width: number) {
    this.name = name;
    const colour = SOURCE_COLOURS[index % SOURCE_COLOURS.length];
    const padding = " ".repeat(Math.max(0, width - textWidth(name)));
    this.beginning = Buffer.from(`\x1b[${colour}m${name}${padding} |\x1b[0m `);
  }

  /** True if its first lines are JSON. */
  get isJson(): boolean {
    return this.#sample.isJson;
  }

  /** Returns a line with its beginning. Adds a newline if the line has none. */
  row(line: Uint8Array): Buffer {
    if (!this.#sample.isKnown) this.#sample.add(Buffer.from(line).toString());
    const parts = [this.beginning, line];
    return Buffer.concat(line.at(-1) === NEWLINE ? parts : [...parts, Buffer.of(NEWLINE)]);
  }
}

const NEWLINE = 10;

/** The sources of a merged follow. Their beginnings have equal widths and distinct colours. */
export class MergedSources {
  readonly #named: Named[];
  readonly #width: number;
  /** Grows with {@link add}. */
  readonly all: MergedSource[];

  constructor(named: readonly Named[]) {
    this.#named = [...named];
    const names = shortNames(named).map(sanitiseText);
    this.#width = Math.max(0, ...names.map(textWidth));
    this.all = names.map((name, index) => new MergedSource(name, index, this.#width));
  }

  /** Adds a source that appears later. The names of the others do not change. */
  add(named: Named): MergedSource {
    this.#named.push(named);
    const taken = new Set(this.all.map(({ name }) => name));
    const [short = "", full = ""] = [shortNames(this.#named).at(-1), fullName(named)].map((name) =>
      sanitiseText(name ?? ""),
    );
    const source = new MergedSource(taken.has(short) ? full : short, this.all.length, this.#width);
    this.all.push(source);
    return source;
  }
}

/** Returns a marked row about a source. */
export function noteRow(text: string): Buffer {
  return Buffer.from(`\x1b[7m ${sanitiseText(text)} \x1b[0m\n`);
}
