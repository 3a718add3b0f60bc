import { PortholeError } from "../../src/errors.ts";
import { pathBytes } from "../../src/target.ts";
import {
  type BinaryMode,
  JsonPrinter,
  LinePrinter,
  type Matcher,
  type Output,
  type Sink,
  SummaryPrinter,
} from "../../src/text/index.ts";
import type { GrepOptions } from "./options.ts";

/** Hears what is found in one file, and knows whether anything was. */
export type Printer = Sink & { readonly matches: number };

/** How a command's results are shown. */
export interface Presentation {
  context: { before: number; after: number };
  lineNumbers: boolean;
  /** A printer for one file. */
  file(name: string, binary: BinaryMode): Printer;
  /** After the last file. */
  finish(): void;
}

/** Where results are shown. */
export interface Screen {
  isTerminal: boolean;
  /** Makes bytes safe for the terminal; undefined where they are to stay exact. */
  safe: ((bytes: Uint8Array) => Uint8Array) | undefined;
}

/** Throws USAGE for options that exclude each other. */
export function refuseContradictions({ json, count, filesWithMatches, onlyMatching }: GrepOptions): void {
  if (json && (count || filesWithMatches || onlyMatching))
    throw new PortholeError("USAGE", "--json cannot be used with -c, -l or -o", {
      hint: "its match lines have submatches, its end lines have counts",
    });
}

/** ripgrep's choices: numbers and headings on a terminal, names where there may be several files. */
export function present(
  options: GrepOptions,
  matcher: Matcher,
  output: Output,
  screen: Screen,
  isSeveral: boolean,
): Presentation {
  const { context = 0, beforeContext: before = context, afterContext: after = context } = options;
  const { maxCount, quiet, count, filesWithMatches, onlyMatching, json } = options;
  const colour =
    options.color === "always" ||
    (options.color === "auto" &&
      screen.isTerminal &&
      (process.env.NO_COLOR === undefined || process.env.NO_COLOR === ""));
  const paths = options.filename && (options.withFilename === true || isSeveral);
  const invert = options.invertMatch === true;
  const exact = (name: string) => pathBytes(name);
  const shown = (name: string) => screen.safe?.(exact(name)) ?? exact(name);
  const finish = () => {};

  if (quiet || count || filesWithMatches) {
    const kind = quiet ? "quiet" : !count ? "paths" : onlyMatching && !invert ? "count-matches" : "count";
    return {
      context: { before: 0, after: 0 },
      lineNumbers: false,
      file: (name, binary) =>
        new SummaryPrinter(matcher, output, { kind, paths, colour, binary, maxCount }, shown(name)),
      finish,
    };
  }
  if (json) {
    const printer = new JsonPrinter(matcher, output, { invert, after, maxCount, escapes: screen.isTerminal });
    return {
      context: { before, after },
      lineNumbers: options.lineNumber !== false,
      file: (name) => printer.file(exact(name)),
      finish: () => printer.finish(),
    };
  }
  const lines = {
    paths,
    heading: screen.isTerminal,
    colour,
    onlyMatching: onlyMatching === true,
    invert,
    hasContext: before > 0 || after > 0,
    after,
    maxCount,
    safe: screen.safe,
  };
  const printer = new LinePrinter(matcher, output, lines);
  return {
    context: { before, after },
    lineNumbers: options.lineNumber ?? screen.isTerminal,
    file: (name, binary) => printer.file(shown(name), binary),
    finish,
  };
}
