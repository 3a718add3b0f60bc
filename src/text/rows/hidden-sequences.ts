import { latin1Text } from "../encoding/decode.ts";

const ESCAPE = 0x1b;

/**
 * Escape sequences that a screen hides: colours and attributes (SGR), and two that programs send
 * with them. These two erase to the end of the line (`grep --color`) and select the ASCII character
 * set (`tput sgr0`). They hold no readable text; all other sequences are made visible. Parameters
 * are bounded.
 */
const SEQUENCE = "\\x1b(?:\\[[0-9;:]{0,64}m|\\[[0-2]?K|\\(B)";

const AT_INDEX = new RegExp(SEQUENCE, "y");
const IN_TEXT = new RegExp(SEQUENCE, "g");
/**
 * The same sequences in UTF-8 as Latin-1. A sequence before a continuation byte is kept: its
 * removal would join two broken halves to a character.
 */
const IN_BYTES = new RegExp(`${SEQUENCE}(?![\\x80-\\xbf])`, "g");

/** Returns the hidden sequence at `index` of the text, or undefined. */
export function hiddenSequenceAt(text: string, index: number): string | undefined {
  AT_INDEX.lastIndex = index;
  return AT_INDEX.exec(text)?.[0];
}

/**
 * Removes hidden sequences from UTF-8. The lines stay the same. Returns the same bytes if there are
 * no sequences.
 */
export function visibleBytes(bytes: Buffer): Buffer {
  if (!bytes.includes(ESCAPE)) return bytes;
  return Buffer.from(latin1Text(bytes).replace(IN_BYTES, ""), "latin1");
}

/**
 * Displayed text, and a mapping of its ranges to the original, without hidden sequences at their
 * ends.
 */
export interface VisibleText {
  text: string;
  original(start: number, end: number): { start: number; end: number };
}

export function visibleText(text: string): VisibleText {
  if (!text.includes("\x1b")) return { text, original: (start, end) => ({ start, end }) };
  /**
   * Positions of removed sequences in the displayed text, with the number of characters removed so
   * far.
   */
  const cuts: { at: number; removed: number }[] = [];
  let removed = 0;
  const shown = text.replace(IN_TEXT, (sequence, index: number) => {
    cuts.push({ at: index - removed, removed: removed + sequence.length });
    removed += sequence.length;
    return "";
  });
  const removedBefore = (isBefore: (at: number) => boolean) => {
    let [low, high] = [0, cuts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(cuts[middle]?.at ?? 0)) low = middle + 1;
      else high = middle;
    }
    return cuts[low - 1]?.removed ?? 0;
  };
  return {
    text: shown,
    original: (start, end) => ({
      start: start + removedBefore((at) => at <= start),
      end: end + removedBefore((at) => at < end),
    }),
  };
}
