import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { characterBoundary, decodeText } from "../../src/text/encoding/decode.ts";

/** Converts the surrogates of invalid bytes back to bytes. */
function encode(text: string): Buffer {
  return Buffer.concat(
    [...text].map((character) => {
      const code = character.codePointAt(0) ?? 0;
      return code >= 0xdc80 && code <= 0xdcff ? Buffer.from([code - 0xdc00]) : Buffer.from(character);
    }),
  );
}

describe("decodeText", () => {
  it("keeps all information for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(encode(decodeText(bytes))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it("decodes valid UTF-8", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0x10ffff), { maxLength: 50 }), (codes) => {
        const text = String.fromCodePoint(...codes.filter((code) => code < 0xd800 || code > 0xdfff));
        expect(decodeText(Buffer.from(text))).toBe(Buffer.from(text).toString());
      }),
    );
  });
});

describe("characterBoundary", () => {
  it("is before an incomplete character, and otherwise at the end", () => {
    const bytes = Buffer.from("aż€😀");
    expect([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((end) => characterBoundary(bytes, end))).toEqual([
      0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10,
    ]);
    expect(characterBoundary(Buffer.from([0x80, 0x80, 0x80, 0x80]), 4)).toBe(4);
  });
});
