import { asUtf8, type Encoding } from "../encoding/encoding.ts";
import { Lines, LONGEST_LINE } from "../rows/lines.ts";
import { findNewline } from "../rows/newlines.ts";
import { shownBytes } from "../rows/unseen.ts";
import type { MatchOptions } from "../search/compile.ts";
import { Matcher } from "../search/matcher.ts";
import { translate } from "../search/syntax.ts";
import { BLOCK, BlockCache } from "../sources/block-cache.ts";
import type { ByteSource } from "../sources/byte-source.ts";
import { linePieces } from "./chunk-pieces.ts";

const NEWLINE = 10;

export interface LineQuery {
  encoding: Encoding;
  match: MatchOptions;
  /** The lines that do not match. */
  invert?: boolean;
}

/** Hears where a hit begins. */
type Hit = (offset: number) => void;

/**
 * Tells the lines of a source that match as a screen shows them, without colour codes; a chunk at a time.
 * @throws Error for a pattern that is not one; its message is one line.
 */
export function matchingLines(source: ByteSource, query: LineQuery): (chunk: number, hit: Hit) => void {
  // Two of the longest lines, for where a chunk begins in one.
  const lines = new Lines(new BlockCache(source, (2 * LONGEST_LINE) / BLOCK + 1), query.encoding);
  const buffer = Buffer.allocUnsafeSlow(BLOCK);
  const eachIn = tellerOf(query);
  return (chunk, hit) => {
    try {
      for (const { offset, bytes } of linePieces(lines, chunk, buffer)) eachIn(bytes, offset, hit);
    } finally {
      // The end of what grows will be another one, and the buffers serve whoever comes next.
      lines.cache.clear();
    }
  };
}

/** Tells the lines of a piece, which begins at `offset`. */
type Teller = (bytes: Buffer, offset: number, hit: Hit) => void;

function tellerOf({ encoding, match, invert = false }: LineQuery): Teller {
  const matcher = new Matcher(match);
  const literal = invert ? undefined : literalOf(match);
  return (bytes, offset, hit) => {
    const text = shownBytes(asUtf8(bytes, encoding));
    if (text !== bytes) eachConverted(matcher, { bytes, text, encoding, invert }, offset, hit);
    else if (literal) eachWith(literal, bytes, offset, hit);
    else if (invert) eachOther(matcher, bytes, offset, hit);
    else {
      const block = matcher.block(bytes);
      for (let line = matcher.next(block, 0); line; line = matcher.next(block, line.end)) hit(offset + line.start);
    }
  };
}

/** A pattern without a special character is looked for in the bytes: making a string of each block would take as long as that. */
function literalOf({ patterns, fixed, ignoreCase, word, line }: MatchOptions): Buffer | undefined {
  const [pattern = ""] = patterns;
  if (patterns.length !== 1 || ignoreCase || word || line || !pattern.isWellFormed()) return undefined;
  const literal = fixed ? pattern : translate(pattern).literal;
  return literal ? Buffer.from(literal) : undefined;
}

/** Lines that have the text. */
function eachWith(text: Buffer, bytes: Buffer, offset: number, hit: Hit): void {
  for (let at = bytes.indexOf(text); at !== -1; ) {
    hit(offset + (at === 0 ? 0 : bytes.lastIndexOf(NEWLINE, at - 1) + 1));
    const end = bytes.indexOf(NEWLINE, at);
    at = end === -1 ? -1 : bytes.indexOf(text, end + 1);
  }
}

/** Lines without a match. */
function eachOther(matcher: Matcher, bytes: Buffer, offset: number, hit: Hit): void {
  const block = matcher.block(bytes);
  let at = 0;
  for (let line = matcher.next(block, 0); at < bytes.length; line = line && matcher.next(block, line.end)) {
    const to = line?.start ?? bytes.length;
    for (; at < to; at = bytes.indexOf(NEWLINE, at) + 1 || bytes.length) hit(offset + at);
    at = line?.end ?? bytes.length;
  }
}

/** The lines of the text are those of the bytes, one by one. */
function eachConverted(
  matcher: Matcher,
  { bytes, text, encoding, invert }: { bytes: Buffer; text: Buffer; encoding: Encoding; invert: boolean },
  offset: number,
  hit: Hit,
): void {
  const block = matcher.block(text);
  let match = matcher.next(block, 0);
  // Of a last line without a newline nothing may be left.
  for (let at = 0, from = 0; at < bytes.length; ) {
    const isMatch = match?.start === from;
    if (isMatch !== invert) hit(offset + at);
    if (match && isMatch) match = matcher.next(block, match.end);
    at = findNewline(bytes, at, encoding) + 1 || bytes.length;
    from = text.indexOf(NEWLINE, from) + 1 || text.length;
  }
}
