import { sanitiseText } from "../../../src/text/index.ts";
import { SOURCE_COLOURS } from "../../tail/source-colours.ts";
import { textWidth } from "../canvas/text-width.ts";
import { type Named, shortNames } from "./short-names.ts";

/** A source of a merged follow. */
export interface MergedSource {
  readonly name: string;
  /** Prefix of its lines: its short name in its colour. */
  readonly prefix: Buffer;
}

const NEWLINE = 10;

/** Creates sources whose prefixes have equal widths and distinct colours. */
export function mergedSources(named: readonly Named[]): MergedSource[] {
  const names = shortNames(named).map(sanitiseText);
  const width = Math.max(...names.map(textWidth));
  return names.map((name, index) => {
    const colour = SOURCE_COLOURS[index % SOURCE_COLOURS.length];
    const padding = " ".repeat(width - textWidth(name));
    return { name, prefix: Buffer.from(`\x1b[${colour}m${name}${padding} |\x1b[0m `) };
  });
}

/** Returns a line with its prefix. Adds a newline if the line has none. */
export function endedLine(prefix: Buffer, line: Uint8Array): Buffer {
  return Buffer.concat(line.at(-1) === NEWLINE ? [prefix, line] : [prefix, line, Buffer.of(NEWLINE)]);
}

/** Returns a marked row about a source. */
export function noteRow(text: string): Buffer {
  return Buffer.from(`\x1b[7m ${sanitiseText(text)} \x1b[0m\n`);
}
