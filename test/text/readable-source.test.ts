import { expect, it } from "vitest";
import { readableSource } from "../../src/text/sources/readable-source.ts";

it("ReadableSource fills a page with a read error with zeros, reports its offset, and continues after it", () => {
  const bytes = Buffer.alloc(20_000, "a");
  const failing = {
    start: () => 0,
    end: () => bytes.length,
    read: (position: number, buffer: Uint8Array) => {
      if (position < 8192 && position + buffer.length > 5000)
        throw Object.assign(new Error("EIO: i/o error, read"), { code: "EIO" });
      return bytes.copy(buffer, 0, position);
    },
  };
  const said: string[] = [];
  const source = readableSource(failing, (message) => said.push(message));
  const buffer = Buffer.alloc(20_000, "x");
  expect(source.read(0, buffer.subarray(0, 100))).toBe(100);
  expect(said).toEqual([]);
  expect(source.read(4096, buffer)).toBe(4096);
  expect(buffer.subarray(0, 4096).every((byte) => byte === 0)).toBe(true);
  expect(said).toEqual(["cannot read byte 4096: EIO (shown as zeros)"]);
  expect(source.read(5000, buffer)).toBe(8192 - 5000);
  expect(source.read(8192, buffer)).toBe(20_000 - 8192);
  expect(buffer.toString("latin1", 0, 20_000 - 8192)).toBe("a".repeat(20_000 - 8192));
  expect([source.start(), source.end(), source.nextData, source.parts]).toEqual([0, 20_000, undefined, undefined]);
});
