import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { clusters, sanitiseText } from "../../src/text/rows/sanitise.ts";
import { CONTROL, HOSTILE } from "./hostile.ts";

describe("sanitiseText", () => {
  it.each(HOSTILE)("shows $name instead of sending it", ({ bytes, shown }) => {
    expect(sanitiseText(bytes)).toBe(shown);
  });

  it("also escapes newlines, tabs and colours, because a name contains none", () => {
    expect(sanitiseText("a\nb\tc\x1b[31mred")).toBe("a^Jb^Ic^[[31mred");
  });

  it("keeps text of all scripts", () => {
    for (const text of ["plain", "żółw", "日本語", "e\u0301", "👩‍👩‍👧‍👦", "🇵🇱", "क्षि", "שלום", "مرحبا", "❤️"])
      expect(sanitiseText(text)).toBe(text);
  });

  it("shows lone surrogates as bytes that are not UTF-8", () => {
    expect(sanitiseText("caf\udce9 \ud800")).toBe("caf<E9> <U+D800>");
  });

  it("removes every control byte of any text", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(sanitiseText(bytes)).not.toMatch(CONTROL);
      }),
    );
  });
});

describe("clusters", () => {
  const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

  it.each([
    ["emoji and marks", "日本e\u0301👨‍👩‍👧needle ".repeat(300)],
    ["flags", "🇩🇪".repeat(700)],
    ["a mark without end", `a${"\u0301".repeat(3000)}${"b".repeat(600)}`],
    ["line ends", `${"\r\n".repeat(800)}x`],
    ["lone surrogates", "\ud83d".repeat(1300)],
  ])("splits a long text into the same clusters in pieces and as a whole: %s", (_, text) => {
    for (const cut of [0, 1, 2]) {
      const whole = Array.from(segmenter.segment(text.slice(cut)), ({ segment }) => segment);
      expect([...clusters(text.slice(cut))]).toEqual(whole);
    }
  });

  it("never segments a long text as a whole, which would take quadratic time", () => {
    const segment = vi.spyOn(Intl.Segmenter.prototype, "segment");
    expect([...clusters("é".repeat(10_000))]).toHaveLength(10_000);
    const longest = Math.max(...segment.mock.calls.map(([text]) => text.length));
    segment.mockRestore();
    expect(longest).toBeLessThan(1000);
  });
});
