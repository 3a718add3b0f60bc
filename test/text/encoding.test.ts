import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  asUtf8,
  boundaryAs,
  decodeAs,
  detectEncoding,
  ENCODINGS,
  encodeAs,
  looksBinary,
} from "../../src/text/encoding/encoding.ts";

describe("detectEncoding", () => {
  it("uses the byte order mark", () => {
    expect(detectEncoding(Buffer.from("\ufeffx"))).toEqual({ encoding: "utf-8", mark: 3 });
    expect(detectEncoding(Buffer.from([0xff, 0xfe, 0x41, 0]))).toEqual({ encoding: "utf-16le", mark: 2 });
    expect(detectEncoding(Buffer.from([0xfe, 0xff, 0, 0x41]))).toEqual({ encoding: "utf-16be", mark: 2 });
  });

  it("detects Latin-1, but not truncated or damaged UTF-8", () => {
    expect(detectEncoding(Buffer.from("na\xefve caf\xe9\n", "latin1")).encoding).toBe("latin1");
    expect(detectEncoding(Buffer.from("naïve")).encoding).toBe("utf-8");
    expect(detectEncoding(Buffer.from("naï").subarray(0, 3)).encoding).toBe("utf-8");
    expect(detectEncoding(Buffer.concat([Buffer.from("naïve"), Buffer.from([0xff])])).encoding).toBe("utf-8");
    expect(detectEncoding(Buffer.from([0x41, 0x9b, 0x32])).encoding).toBe("utf-8");
    expect(detectEncoding(Buffer.alloc(0)).encoding).toBe("utf-8");
  });
});

describe("looksBinary", () => {
  it("is true of programs and false of text with a few NULs, holes and colours", () => {
    expect(looksBinary(Buffer.from("7f454c46020101000000000000000000030003e00100", "hex"))).toBe(true);
    expect(looksBinary(Buffer.from(`line\n\0\0${"text \x1b[31mred\x1b[m\n".repeat(20)}`))).toBe(false);
    expect(looksBinary(Buffer.concat([Buffer.from("text\n"), Buffer.alloc(4000)]))).toBe(false);
    expect(looksBinary(Buffer.alloc(100))).toBe(false);
    expect(looksBinary(Buffer.from("\ufeffab", "utf16le"))).toBe(false);
  });
});

describe("decodeAs and encodeAs", () => {
  it("are inverse to each other, and cut no character", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "é", "\n", "日", "😀"), maxLength: 20 });
    fc.assert(
      fc.property(text, fc.constantFrom(...ENCODINGS), fc.nat(100), (of, encoding, cut) => {
        const shown = encoding === "latin1" ? of.replace(/[^\x00-\xff]/gu, "x") : of;
        const bytes = Buffer.from(encodeAs(shown, encoding));
        expect(decodeAs(bytes, encoding)).toBe(shown);
        expect(asUtf8(bytes, encoding).toString()).toBe(shown);
        const end = boundaryAs(bytes, Math.min(cut, bytes.length), encoding);
        expect(shown.startsWith(decodeAs(bytes.subarray(0, end), encoding))).toBe(true);
      }),
    );
  });

  it("loses no byte at an odd end", () => {
    expect(decodeAs(Buffer.from([0x41, 0, 0x42]), "utf-16le")).toBe("A\udc42");
  });
});
