import { type Mark, type Matcher, visibleText, withDeadline } from "../../../src/text/index.ts";

/** Maximum number of marks in a row. */
const MAX_MARKS = 1000;

/** A search pattern for highlighting. */
export interface Highlight {
  /** True if the expression may take exponential time on a line. */
  isRisky: boolean;
  /** See {@link findMarks}. The drawing code does not load a search that is not used. */
  marksIn(texts: readonly ShownText[]): Mark[][];
}

export function highlightOf(matcher: Matcher, isRisky: boolean): Highlight {
  return { isRisky, marksIn: (texts) => findMarks(texts, { matcher, isRisky }) };
}

/** Text of a line. `cut`: the line continues, so a match at its end may be wrong. */
export interface ShownText {
  text: string;
  isCut: boolean;
}

/**
 * Finds the matches in each text, as indexes of its characters. An expression that takes too long
 * has no matches in the rest of the texts.
 */
export function findMarks(
  texts: readonly ShownText[],
  { matcher, isRisky }: { matcher: Matcher; isRisky: boolean },
): Mark[][] {
  const marks: Mark[][] = texts.map(() => []);
  const findAll = () =>
    texts.forEach((text, index) => {
      marks[index] = marksIn(text, matcher);
    });
  if (isRisky) withDeadline(matcher, findAll);
  else findAll();
  return marks;
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
    // Skip empty matches, as of `x*`.
    if (start === end || (isCut && end === bytes.length)) continue;
    marks.push(original(indexOf(start), indexOf(end)));
    if (marks.length === MAX_MARKS) break;
  }
  return marks;
}
