import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterAll, describe, expect, it } from "vitest";
import type { ByteSource } from "../../src/text/sources/byte-source.ts";
import { ChainSource } from "../../src/text/sources/chain-source.ts";
import { partsSource } from "../../src/text/sources/regular-source.ts";

const directory = mkdtempSync(`${tmpdir()}/porthole-chain-`);
const open: number[] = [];
afterAll(() => {
  for (const fd of open) closeSync(fd);
  rmSync(directory, { recursive: true });
});

function file(name: string, content: string): number {
  writeFileSync(`${directory}/${name}`, content);
  const fd = openSync(`${directory}/${name}`, "r");
  open.push(fd);
  return fd;
}

function all(source: ByteSource): string {
  const bytes = Buffer.alloc(source.end() - source.start());
  for (let at = 0; at < bytes.length; ) {
    const count = source.read(source.start() + at, bytes.subarray(at, at + 7));
    if (count === 0) break;
    at += count;
  }
  return bytes.toString();
}

describe("ChainSource", () => {
  it("returns a file, then a note and the next file", () => {
    const chain = new ChainSource(file("a", "one\ntwo\n"));
    expect(all(chain)).toBe("one\ntwo\n");
    chain.continueWith(file("b", "three\n"), 0, "rotated");
    expect(all(chain)).toBe("one\ntwo\nrotated\nthree\n");
    expect(chain.notes()).toEqual([{ at: 8, end: 16 }]);
    expect([0, 4, 16, 18].map((at) => chain.offsetInFile(at))).toEqual([0, 4, 0, 2]);
    expect([chain.offsetOf(0), chain.offsetOf(3)]).toEqual([16, 19]);
    expect([chain.fileEnd(2), chain.fileEnd(17)]).toEqual([8, 6]);
    expect(chain.fileAt(20)).toEqual({ begins: 16, foreign: 0 });
    // As a worker sees it.
    expect(all(partsSource(chain.parts()))).toBe(all(chain));
  });

  it("inserts a note on its own line between existing and new data", () => {
    const chain = new ChainSource(file("c", "one\ntw"));
    chain.note("deleted");
    writeFileSync(`${directory}/c`, "o\nthree\n", { flag: "a" });
    expect(all(chain)).toBe("one\ntw\ndeleted\no\nthree\n");
    const three = all(chain).indexOf("three");
    expect(chain.offsetInFile(three)).toBe(8);
    // Two newlines before it are not the file's.
    expect(chain.fileAt(three)).toEqual({ begins: 0, foreign: 2 });
    expect(chain.offsetOf(8)).toBe(three);
  });

  it("continues without a note if the same file returns under another name", () => {
    const chain = new ChainSource(file("d", "one\n"));
    chain.continueWith(file("d2", "one\ntwo\n"), 4, "");
    expect(all(chain)).toBe("one\ntwo\n");
    expect(chain.notes()).toEqual([]);
  });

  it("starts again after a truncation, at offsets that were not used before", () => {
    const chain = new ChainSource(file("e", "old old old\n"));
    const known = chain.end();
    truncateSync(`${directory}/e`);
    writeFileSync(`${directory}/e`, "new\n");
    chain.restart("cut", known);
    expect(chain.start()).toBe(12);
    expect(all(chain)).toBe("cut\nnew\n");
    expect(chain.offsetInFile(16)).toBe(0);
  });

  it("keeps a few files and reports which ones it no longer reads", () => {
    const first = file("g0", "0\n");
    const chain = new ChainSource(first);
    for (let index = 1; index <= 4; index++) chain.continueWith(file(`g${index}`, `${index}\n`), 0, "next");
    expect(chain.takeDropped()).toEqual([first]);
    expect(chain.takeDropped()).toEqual([]);
    expect(all(chain)).toBe("1\nnext\n2\nnext\n3\nnext\n4\n");
    expect(chain.start()).toBe(7);
  });
});
