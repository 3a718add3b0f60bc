import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sanitiseText } from "../../src/text/sanitise.ts";
import { CONTROL, HOSTILE } from "./hostile.ts";

describe("sanitiseText", () => {
  it.each(HOSTILE)("shows $name instead of sending it", ({ bytes, shown }) => {
    expect(sanitiseText(bytes)).toBe(shown);
  });

  it("shows newlines, tabs and colours too, for a name has none", () => {
    expect(sanitiseText("a\nb\tc\x1b[31mred")).toBe("a^Jb^Ic^[[31mred");
  });

  it("leaves text of all scripts as it is", () => {
    for (const text of ["plain", "żółw", "日本語", "e\u0301", "👩‍👩‍👧‍👦", "🇵🇱", "क्षि", "שלום", "مرحبا", "❤️"])
      expect(sanitiseText(text)).toBe(text);
  });

  it("takes strings with lone surrogates for bytes that were not UTF-8", () => {
    expect(sanitiseText("caf\udce9 \ud800")).toBe("caf<E9> <U+D800>");
  });

  it("never lets a control byte through, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(sanitiseText(bytes)).not.toMatch(CONTROL);
      }),
    );
  });
});
