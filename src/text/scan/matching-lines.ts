import { asUtf8, type Encoding } from "../encoding/encoding.ts";
import { visibleBytes } from "../rows/hidden-sequences.ts";
import { Lines, MAX_LINE } from "../rows/lines.ts";
import { findNewline } from "../rows/newlines.ts";
import type { MatchOptions } from "../search/compile.ts";
import { Matcher } from "../search/matcher.ts";
import { translate } from "../search/syntax.ts";
import { BLOCK, BlockCache } from "../sources/block-cache.ts";
import type { ByteSource } from "../sources/byte-source.ts";
import { type LineSelector, linePieces, type PieceMatcher } from "./chunk-pieces.ts";
import { foldedMatcher, mayDifferFolded } from "./folded-lines.ts";
import type { FoldedLines } from "./is-folded.ts";

const NEWLINE = 10;

export interface LineQuery {
  encoding: Encoding;
  match: MatchOptions;
  /** Selects the lines that do not match. */
  invert?: boolean;
  /** Lines of JSON that also match by their summary, which is shown. */
  folded?: FoldedLines | undefined;
}

/** Receives the offset where a hit begins. */
type Hit = (offset: number) => void;

/**
 * Selects matching lines, matched as displayed, without colour codes.
 * @throws Error with a one-line message for an invalid pattern
 */
export function matchingLines(source: ByteSource, query: LineQuery): LineSelector {
  // The cache has room for two lines of maximum length: a chunk may begin inside a line.
  const lines = new Lines(new BlockCache(source, (2 * MAX_LINE) / BLOCK + 1), query.encoding);
  const buffer = Buffer.allocUnsafeSlow(BLOCK);
  const eachIn = pieceMatcher(query);
  // Clears the cache: the end of a growing source changes, and other scans reuse the buffers.
  const clear = () => lines.cache.clear();
  return {
    each(chunk, hit, from) {
      try {
        for (const { offset, bytes } of linePieces(lines, chunk, buffer, from)) eachIn(bytes, offset, hit);
      } finally {
        clear();
      }
    },
    openFrom(end) {
      try {
        return lines.at(end - 1);
      } finally {
        clear();
      }
    },
  };
}

/** Searches pieces of whole lines. @throws Error for an invalid pattern */
export function pieceMatcher({ encoding, match, invert = false, folded }: LineQuery): PieceMatcher {
  if (folded !== undefined && mayDifferFolded(match))
    return foldedMatcher({ encoding, match, invert, folded }, pieceMatcher({ encoding, match }));
  const matcher = new Matcher(match);
  const literal = invert ? undefined : literalOf(match);
  return (bytes, offset, hit) => {
    const text = visibleBytes(asUtf8(bytes, encoding));
    if (text !== bytes) eachConverted(matcher, { bytes, text, encoding, invert }, offset, hit);
    else if (literal) eachWith(literal, bytes, offset, hit);
    else if (invert) eachOther(matcher, bytes, offset, hit);
    else {
      const block = matcher.block(bytes);
      for (let line = matcher.next(block, 0); line; line = matcher.next(block, line.end)) hit(offset + line.start);
    }
  };
}

/**
 * A literal pattern is searched in the bytes: converting each block to a string would take as long
 * as the search.
 */
function literalOf({ patterns, fixed, ignoreCase, word, line }: MatchOptions): Buffer | undefined {
  const [pattern = ""] = patterns;
  if (patterns.length !== 1 || ignoreCase || word || line || !pattern.isWellFormed()) return undefined;
  const literal = fixed ? pattern : translate(pattern).literal;
  return literal ? Buffer.from(literal) : undefined;
}

/** Reports lines that contain the text. */
function eachWith(text: Buffer, bytes: Buffer, offset: number, hit: Hit): void {
  for (let at = bytes.indexOf(text); at !== -1; ) {
    hit(offset + (at === 0 ? 0 : bytes.lastIndexOf(NEWLINE, at - 1) + 1));
    const end = bytes.indexOf(NEWLINE, at);
    at = end === -1 ? -1 : bytes.indexOf(text, end + 1);
  }
}

/** Reports lines without a match. */
function eachOther(matcher: Matcher, bytes: Buffer, offset: number, hit: Hit): void {
  const block = matcher.block(bytes);
  let at = 0;
  for (let line = matcher.next(block, 0); at < bytes.length; line = line && matcher.next(block, line.end)) {
    const to = line?.start ?? bytes.length;
    for (; at < to; at = bytes.indexOf(NEWLINE, at) + 1 || bytes.length) hit(offset + at);
    at = line?.end ?? bytes.length;
  }
}

/** Handles converted text, which has the same lines as the bytes. */
function eachConverted(
  matcher: Matcher,
  { bytes, text, encoding, invert }: { bytes: Buffer; text: Buffer; encoding: Encoding; invert: boolean },
  offset: number,
  hit: Hit,
): void {
  const block = matcher.block(text);
  let match = matcher.next(block, 0);
  // Conversion may remove all bytes of a last line without a newline.
  for (let at = 0, from = 0; at < bytes.length; ) {
    const isMatch = match?.start === from;
    if (isMatch !== invert) hit(offset + at);
    if (match && isMatch) match = matcher.next(block, match.end);
    at = findNewline(bytes, at, encoding) + 1 || bytes.length;
    from = text.indexOf(NEWLINE, from) + 1 || text.length;
  }
}
