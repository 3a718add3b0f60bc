import { latin1Text } from "../encoding/decode.ts";

const ESCAPE = 0x1b;

/**
 * Escape sequences that a screen leaves out of a line: colours and attributes (SGR), and what programs send with them: erasing
 * to the end of the line (`grep --color`), the ASCII character set (`tput sgr0`). They hold nothing that anybody could read;
 * every other one is shown. Parameters are bounded: what is longer is noise.
 */
const SEQUENCE = "\\x1b(?:\\[[0-9;:]{0,64}m|\\[[0-2]?K|\\(B)";

const AT_INDEX = new RegExp(SEQUENCE, "y");
const IN_TEXT = new RegExp(SEQUENCE, "g");
/** In UTF-8 as Latin-1. Before the rest of a character it stays: without it two broken halves would become a character. */
const IN_BYTES = new RegExp(`${SEQUENCE}(?![\\x80-\\xbf])`, "g");

/** The sequence that begins at `index` of the text and is left out; undefined for anything else. */
export function unseenAt(text: string, index: number): string | undefined {
  AT_INDEX.lastIndex = index;
  return AT_INDEX.exec(text)?.[0];
}

/** UTF-8 as a screen shows it, with the same lines; the bytes themselves where nothing is left out. */
export function shownBytes(bytes: Buffer): Buffer {
  if (!bytes.includes(ESCAPE)) return bytes;
  return Buffer.from(latin1Text(bytes).replace(IN_BYTES, ""), "latin1");
}

/** Text as a screen shows it, and which range of the original a range of it is: without sequences at its ends. */
export interface Shown {
  text: string;
  original(start: number, end: number): { start: number; end: number };
}

export function shownText(text: string): Shown {
  if (!text.includes("\x1b")) return { text, original: (start, end) => ({ start, end }) };
  /** Where sequences were left out, as indices of what is shown, with the characters left out up to and with them. */
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
