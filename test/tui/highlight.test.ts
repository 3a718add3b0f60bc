import { describe, expect, it } from "vitest";
import { findMarks } from "../../cli/tui/canvas/highlight.ts";
import { Matcher } from "../../src/text/index.ts";
import { waitFor } from "../helpers/wait-for.ts";

function marked(text: string, pattern: string): string[] {
  const highlight = { matcher: new Matcher({ patterns: [pattern] }), isRisky: false };
  const [marks = []] = findMarks([{ text, isCut: false }], highlight);
  return marks.map(({ start, end }) => text.slice(start, end));
}

describe("the marks of a search", () => {
  it("are at the matches in the shown text, without colour codes", () => {
    expect(marked("\x1b[31mERROR\x1b[0m: disk", "ERROR: disk")).toEqual(["ERROR\x1b[0m: disk"]);
    expect(marked("\x1b[31mERR\x1b[1mOR\x1b[0m: ERROR", "ERROR")).toEqual(["ERR\x1b[1mOR", "ERROR"]);
    expect(marked("a\x1b[1m\x1b[2mb\x1b[m", "b")).toEqual(["b"]);
    expect(marked("\x1b[31m€\x1b[m😀\x1b[1mé", "😀é")).toEqual(["😀\x1b[1mé"]);
    expect(marked("E\x1b[KRR\x1b(BOR", "ERROR")).toEqual(["E\x1b[KRR\x1b(BOR"]);
  });

  it("are never inside colour codes, but may be in the shown text of other sequences", () => {
    expect(marked("\x1b[31mx\x1b[0m", "31m|0m")).toEqual([]);
    expect(marked("\x1b[2Jx", "2J")).toEqual(["2J"]);
  });

  it("are kept in the texts before one that takes too long", async () => {
    const texts = ["aac", `${"a".repeat(60)}b`, "ac"].map((text) => ({ text, isCut: false }));
    const highlight = () => ({ matcher: new Matcher({ patterns: ["^(a+)+c"] }), isRisky: true });
    // A busy machine may delay this process beyond the deadline.
    const marks = await waitFor("a turn without a delay", () => {
      const found = findMarks(texts, highlight());
      return found[0]?.length === 1 && found;
    });
    expect(marks.map((each) => each.length)).toEqual([1, 0, 0]);
  });
});
