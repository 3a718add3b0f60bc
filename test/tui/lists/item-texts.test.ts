import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ItemTexts } from "../../../cli/tui/lists/item-texts.ts";

describe("ItemTexts", () => {
  it("finds the texts that contain every word, as a search of each text does", () => {
    // Includes letters that change their length or form in lower case, and a text with a line
    // break.
    const part = fc.constantFrom("a", "B", "ab", "9", "İ", "Σ", "ß", "日", "\n", " ", "\u{1f600}", "");
    const texts = fc.array(
      fc.array(part, { maxLength: 4 }).map((parts) => ({ text: parts.join("") })),
      { maxLength: 8 },
    );
    const word = fc.constantFrom("a", "b", "ab", "bA".toLowerCase(), "9", "ς", "i\u0307", "日", "none");
    fc.assert(
      fc.property(texts, fc.array(word, { maxLength: 3 }), (items, words) => {
        const expected = items.map(({ text }) => (words.every((one) => text.toLowerCase().includes(one)) ? 1 : 0));
        expect([...new ItemTexts(items).having(words)]).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it("finds texts in each part of a long list", () => {
    const items = Array.from({ length: 10_000 }, (_, index) => ({ text: `İ${index === 4_096 ? "" : "x"} N${index}.` }));
    for (const word of ["n1.", "n4095.", "n4096.", "n9999.", "x", "77"]) {
      const expected = items.map(({ text }) => (text.toLowerCase().includes(word) ? 1 : 0));
      expect([...new ItemTexts(items).having([word])], word).toEqual(expected);
    }
  });
});
