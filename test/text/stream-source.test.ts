import fc from "fast-check";
import { expect, it } from "vitest";
import { Lines } from "../../src/text/rows/lines.ts";
import { BlockCache } from "../../src/text/sources/block-cache.ts";
import { StreamSource } from "../../src/text/sources/stream-source.ts";

it("StreamSource keeps the newest bytes at their offsets in the stream, for any chunks", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), fc.integer({ min: 1, max: 200 }), (pieces, capacity) => {
      const stream = new StreamSource(capacity);
      for (const piece of pieces) stream.append(piece);
      const all = Buffer.concat(pieces);
      expect(stream.end()).toBe(all.length);
      expect(stream.start()).toBe(Math.max(0, all.length - capacity));
      const buffer = Buffer.alloc(capacity + 10);
      const count = stream.read(stream.start(), buffer);
      expect(buffer.subarray(0, count)).toEqual(all.subarray(stream.start()));
    }),
  );
});

it("StreamSource is read through the cache if its beginning was dropped inside a block", () => {
  const stream = new StreamSource(100_000);
  const text = Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`).join("");
  stream.append(Buffer.from(text));
  const lines = new Lines(new BlockCache(stream));
  const second = lines.next(stream.start()) ?? 0;
  expect(lines.cache.slice(second, lines.textEnd(second)).toString()).toBe(
    text.slice(second, text.indexOf("\n", second)),
  );
});
