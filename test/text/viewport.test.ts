import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Lines, MAX_LINE } from "../../src/text/rows/lines.ts";
import { Viewport } from "../../src/text/rows/viewport.ts";
import { BLOCK, BlockCache } from "../../src/text/sources/block-cache.ts";
import { MemorySource } from "./memory-source.ts";

function open(content: string | Buffer, height = 3, blocks = 128) {
  const source = new MemorySource(content);
  const lines = new Lines(new BlockCache(source, blocks));
  const viewport = new Viewport(lines);
  viewport.resize(height);
  const shown = () => viewport.visible().map(({ line }) => source.bytes.subarray(line, lines.textEnd(line)).toString());
  return { source, lines, viewport, shown };
}

describe("Viewport", () => {
  it("shows an empty file as blank and does not move", () => {
    const { viewport } = open("");
    expect(viewport.visible()).toEqual([]);
    expect([viewport.scroll(5), viewport.scroll(-5), viewport.atEnd()]).toEqual([0, 0, true]);
    viewport.toEnd();
    expect(viewport.top).toEqual({ line: 0, row: 0 });
  });

  it("finds the rows of the next page, up to the end of the text", () => {
    const { viewport } = open("a\nb\nc\nd\ne\n");
    const below = () => viewport.below().map(({ line }) => line);
    expect(below()).toEqual([6, 8]);
    viewport.scroll(1);
    expect(below()).toEqual([8]);
    viewport.toEnd();
    expect(below()).toEqual([]);
    expect(open("").viewport.below()).toEqual([]);
  });

  it("scrolls by lines and stops at both ends", () => {
    const { viewport, shown } = open("a\nb\nc\nd\ne\n");
    expect(shown()).toEqual(["a", "b", "c"]);
    expect(viewport.scroll(1)).toBe(1);
    expect(shown()).toEqual(["b", "c", "d"]);
    expect(viewport.scroll(10)).toBe(1);
    expect(shown()).toEqual(["c", "d", "e"]);
    expect(viewport.scroll(-10)).toBe(-2);
    expect(shown()).toEqual(["a", "b", "c"]);
  });

  it("shows a last line without a newline, and no line after a final newline", () => {
    expect(open("a\nb").shown()).toEqual(["a", "b"]);
    expect(open("a\nb\n").shown()).toEqual(["a", "b"]);
    expect(open("a\n\n").shown()).toEqual(["a", ""]);
    expect(open("\n").shown()).toEqual([""]);
  });

  it("removes only the carriage return of CRLF", () => {
    expect(open("a\r\n\r\nb\rc\r").shown()).toEqual(["a", "", "b\rc\r"]);
  });

  it("shows the last page at the end, and a short file completely", () => {
    const { viewport, shown } = open("a\nb\nc\nd\ne");
    viewport.toEnd();
    expect(shown()).toEqual(["c", "d", "e"]);
    viewport.resize(10);
    expect(shown()).toEqual(["a", "b", "c", "d", "e"]);
  });

  it("moves a line to the top by any of its offsets, up to the last page", () => {
    const { viewport, shown } = open("one\ntwo\nthree\nfour\nfive\n", 2);
    viewport.show(9);
    expect(shown()).toEqual(["three", "four"]);
    viewport.show(1e9);
    expect(shown()).toEqual(["four", "five"]);
  });

  it("shows appended data, also in an incomplete last line", () => {
    const { source, viewport, shown } = open("a\nb", 3);
    expect(shown()).toEqual(["a", "b"]);
    source.bytes = Buffer.from("a\nbb\nc\nd\n");
    viewport.forget();
    viewport.toEnd();
    expect(shown()).toEqual(["bb", "c", "d"]);
  });

  it("moves back when the file shrinks", () => {
    const { source, lines, viewport, shown } = open("a\nb\nc\nd\ne\nf\n");
    viewport.toEnd();
    source.bytes = Buffer.from("x\ny\n");
    lines.cache.clear();
    viewport.forget();
    viewport.settle();
    expect(shown()).toEqual(["x", "y"]);
  });

  it("follows the beginning of a stream that drops old data", () => {
    const { source, viewport, shown } = open("a\nb\nc\nd\n");
    source.first = 4;
    viewport.forget();
    viewport.settle();
    expect(shown()).toEqual(["c", "d"]);
    expect(viewport.scroll(-1)).toBe(0);
  });

  it("crosses a line of 1 MB in one step in both directions, with a small cache", () => {
    const long = "x".repeat(1_000_000);
    const { viewport, source } = open(`a\n${long}\nb\n${long}\nc\n`, 1, 4);
    const tops = [0, 2, 1_000_003, 1_000_005, 2_000_006];
    for (const top of tops.slice(1)) {
      viewport.scroll(1);
      expect(viewport.top.line).toBe(top);
    }
    for (const top of tops.slice(0, -1).reverse()) {
      viewport.scroll(-1);
      expect(viewport.top.line).toBe(top);
    }
    source.reads = 0;
    viewport.scroll(1);
    expect(source.reads).toBeLessThanOrEqual(40);
  });

  it("splits text without newlines at multiples of the longest line, the same in both directions", () => {
    const content = Buffer.alloc(MAX_LINE * 4 + 10);
    content.write("ab\n", 5);
    content.write("\n", MAX_LINE * 3 + 7);
    const { lines } = open(content, 1);
    const boundaries = [0, 8, MAX_LINE * 2, MAX_LINE * 3, MAX_LINE * 3 + 8];
    const forward = [0];
    for (let at = lines.next(0); at !== undefined; at = lines.next(at)) forward.push(at);
    expect(forward).toEqual(boundaries);
    const backward: number[] = [];
    for (let at: number | undefined = boundaries.at(-1); at !== undefined; at = lines.previous(at)) backward.push(at);
    expect(backward.reverse()).toEqual(boundaries);
  });

  it("scrolls by rows of wrapped lines, and keeps the line at the top when the width changes", () => {
    const { lines, viewport } = open("a\nbbbb\ncc\nd\n", 2);
    const rowsIn = (line: number) => Math.max(1, lines.textEnd(line) - line);
    viewport.reshape(lines, rowsIn);
    const steps: [number, number][] = [];
    do steps.push([viewport.top.line, viewport.top.row]);
    while (viewport.scroll(1) === 1);
    // a, b in four rows, c in two; the last row of c is on the last page with d.
    expect(steps).toEqual([
      [0, 0],
      [2, 0],
      [2, 1],
      [2, 2],
      [2, 3],
      [7, 0],
      [7, 1],
    ]);
    expect(viewport.atEnd()).toBe(true);
    expect(viewport.scroll(-3)).toBe(-3);
    expect(viewport.top).toEqual({ line: 2, row: 2 });
    viewport.reshape(lines, () => 1);
    expect(viewport.top).toEqual({ line: 2, row: 0 });
    viewport.show(7, 1);
    expect(viewport.top).toEqual({ line: 2, row: 0 });
  });

  it("agrees with a split of the whole text, for newlines at any block border", () => {
    const near = fc.integer({ min: BLOCK - 3, max: BLOCK + 3 });
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat(5), near), { maxLength: 6 }), fc.boolean(), (lengths, ended) => {
        const content = lengths.map((length) => "x".repeat(length)).join("\n") + (ended ? "\n" : "");
        const expected: number[] = [];
        for (let at = 0; at < content.length; at = content.indexOf("\n", at) + 1) {
          expected.push(at);
          if (content.indexOf("\n", at) === -1) break;
        }
        const { viewport, lines } = open(content, 100, 2);
        expect(viewport.visible().map(({ line }) => line)).toEqual(expected);
        const backward: number[] = [];
        const last = content.length === 0 ? undefined : lines.at(content.length - 1);
        for (let at = last; at !== undefined; at = lines.previous(at)) backward.push(at);
        expect(backward.reverse()).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });
});
