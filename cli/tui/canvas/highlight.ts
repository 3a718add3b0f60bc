import { type Mark, type Matcher, visibleText, withDeadline } from "../../../src/text/index.ts";

/** A row shows no more marks than this. */
const MAX_MARKS = 1000;

/** What is searched for, as it is shown. */
export interface Highlight {
  matcher: Matcher;
  /** It may take for ever on a line. */
  isRisky: boolean;
}

/** Text of a line. `cut`: the line continues, so a match at the end may not be one. */
export interface ShownText {
  text: string;
  isCut: boolean;
}

/**
 * Where each text matches, as indices of its characters. An expression that takes too long marks
 * nothing.
 */
export function findMarks(texts: readonly ShownText[], { matcher, isRisky }: Highlight): Mark[][] {
  const all = () => texts.map((text) => marksIn(text, matcher));
  return (isRisky ? withDeadline(all) : all()) ?? texts.map(() => []);
}

function marksIn({ text: whole, isCut }: ShownText, matcher: Matcher): Mark[] {
  const { text, original } = visibleText(whole);
  const bytes = Buffer.from(text);
  const marks: Mark[] = [];
  const isAscii = bytes.length === text.length;
  let [index, at] = [0, 0];
  const indexOf = (offset: number): number => {
    if (isAscii) return offset;
    while (at < offset && index < text.length) {
      const code = text.codePointAt(index) ?? 0;
      at += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
      index += code < 0x10000 ? 1 : 2;
    }
    return index;
  };
  for (const { start, end } of matcher.matches(bytes)) {
    // A match of nothing, as `x*` gives at every place, is no mark.
    if (start === end || (isCut && end === bytes.length)) continue;
    marks.push(original(indexOf(start), indexOf(end)));
    if (marks.length === MAX_MARKS) break;
  }
  return marks;
}
