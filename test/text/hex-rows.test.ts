import { describe, expect, it } from "vitest";
import { HexRows, hexBytesFor, hexRow } from "../../src/text/rows/hex-rows.ts";
import { plain } from "../helpers/plain.ts";
import { MemorySource } from "./memory-source.ts";

const view = { bytes: 16, width: 80, left: 0, colours: "pass", before: 0 } as const;

describe("hexRow", () => {
  it("shows bytes in hexadecimal and as text, and fits in 80 columns", () => {
    const row = plain(hexRow(0x1230, Buffer.from("hello\0wörld\x1b[31m"), view, []));
    expect(row).toBe("0000001230  68 65 6c 6c 6f 00 77 c3  b6 72 6c 64 1b 5b 33 31  hello.w..rld.[31");
    expect(row.length).toBeLessThanOrEqual(80);
    expect(hexBytesFor(80)).toBe(16);
    expect(hexBytesFor(200)).toBe(32);
    expect(hexBytesFor(300)).toBe(64);
    expect(hexBytesFor(10)).toBe(4);
  });

  it("shows missing bytes as blanks", () => {
    expect(plain(hexRow(0, Buffer.from("ab"), view, []))).toMatch(/^0000000000 {2}61 62 {43,}ab$/);
    expect(plain(hexRow(0, Buffer.from("\0\0ab"), { ...view, before: 2 }, []))).toMatch(/^0{10} {8}61 62 .* {2}ab$/);
  });

  it("marks bytes in both columns", () => {
    expect(hexRow(0, Buffer.from("abcd"), view, [{ start: 1, end: 3 }])).toMatch(
      /61 \x1b\[0;7m62 63\x1b\[m 64 .*a\x1b\[0;7mbc\x1b\[md$/,
    );
  });
});

describe("HexRows", () => {
  it("begin at multiples of the row length", () => {
    const rows = new HexRows(new MemorySource(Buffer.alloc(40)), 16);
    expect([rows.first(), rows.next(0), rows.next(16), rows.next(32), rows.previous(32), rows.last()]).toEqual([
      0,
      16,
      32,
      undefined,
      16,
      32,
    ]);
    expect([rows.at(-5), rows.at(17), rows.at(1000)]).toEqual([0, 16, 32]);
    expect(new HexRows(new MemorySource(""), 16).first()).toBeUndefined();
  });
});
