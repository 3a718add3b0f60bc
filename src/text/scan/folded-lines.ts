import { decodeAs, type Encoding } from "../encoding/encoding.ts";
import { readJsonLine } from "../records/json-line.ts";
import { visibleText } from "../rows/hidden-sequences.ts";
import { findNewline } from "../rows/newlines.ts";
import type { MatchOptions } from "../search/compile.ts";
import { Matcher } from "../search/matcher.ts";
import { translate } from "../search/syntax.ts";
import type { PieceMatcher } from "./chunk-pieces.ts";
import { type FoldedLines, isFolded } from "./is-folded.ts";

/** Words for levels in a summary. The object may have a number or another word instead. */
const LEVEL_WORDS = ["FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"];

/** Text that is written without escapes in JSON. */
const PLAIN = /^[\w-]+$/;
/** Parts of a time in ISO 8601. The object may have a number instead. */
const TIME_PART = /^(?:\d{1,4}|[\dTZ-]*[TZ-][\dTZ-]*)$/;

/**
 * True if the pattern may match the summary of an object but not the object itself. False for most
 * single words, so that they are searched at full speed.
 */
export function mayDifferFolded(match: MatchOptions): boolean {
  const literal = literalOf(match);
  return literal === undefined || !isSame(literal, match.ignoreCase === true);
}

/**
 * Matches each line in its form in the file. Also matches each line of JSON by its summary, which
 * the screen shows. `original` matches the form in the file.
 */
export function foldedMatcher(
  query: { encoding: Encoding; match: MatchOptions; invert: boolean; folded: FoldedLines },
  original: PieceMatcher,
): PieceMatcher {
  const { encoding, invert } = query;
  const isMatch = summaryMatcher(query);
  return (bytes, offset, hit) => {
    const hits: number[] = [];
    original(bytes, offset, (line) => hits.push(line));
    let next = 0;
    for (let at = 0; at < bytes.length; ) {
      const end = findNewline(bytes, at, encoding) + 1 || bytes.length;
      const isHit = hits[next] === offset + at;
      if (isHit) next++;
      if ((isHit || isMatch(bytes.subarray(at, end))) !== invert) hit(offset + at);
      at = end;
    }
  };
}

function summaryMatcher({
  encoding,
  match,
  folded,
}: {
  encoding: Encoding;
  match: MatchOptions;
  folded: FoldedLines;
}): (line: Buffer) => boolean {
  const matcher = new Matcher(match);
  const required = requiredText(match);
  return (line) => {
    if (!line.includes(BRACE) || !isFolded(line, folded)) return false;
    const { text } = visibleText(decodeAs(line, encoding));
    if (required && !(match.ignoreCase ? text.toLowerCase() : text).includes(required)) return false;
    const summary = readJsonLine(text)?.summary;
    return summary !== undefined && matcher.next(matcher.block(Buffer.from(summary)), 0) !== undefined;
  };
}

const BRACE = 0x7b;

/** Returns the longest word of a literal pattern that the object must also contain. */
function requiredText(match: MatchOptions): string | undefined {
  const ignoreCase = match.ignoreCase === true;
  const words = (literalOf(match)?.match(/[\w-]+/g) ?? []).filter((word) => isSame(word, ignoreCase));
  const [longest] = words.sort((a, b) => b.length - a.length);
  return ignoreCase ? longest?.toLowerCase() : longest;
}

function isSame(word: string, ignoreCase: boolean): boolean {
  const asShown = ignoreCase ? word.toUpperCase() : word;
  return PLAIN.test(word) && !TIME_PART.test(asShown) && !LEVEL_WORDS.some((level) => level.includes(asShown));
}

function literalOf({ patterns, fixed }: MatchOptions): string | undefined {
  const [pattern = ""] = patterns;
  if (patterns.length !== 1) return undefined;
  return fixed ? pattern : translate(pattern).literal;
}
