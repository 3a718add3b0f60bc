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

function all(source: ByteSource, step = 7): string {
  const bytes = Buffer.alloc(source.end() - source.start());
  for (let at = 0; at < bytes.length; ) {
    const count = source.read(source.start() + at, bytes.subarray(at, at + step));
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
    expect([2, 17].map((offset) => chain.fileEnd(offset, chain.end()))).toEqual([8, 6]);
    expect(chain.fileAt(20)).toMatchObject({ begins: 16, foreign: 0 });
    // Read the source as a worker does.
    expect(all(partsSource(chain.parts()))).toBe(all(chain));
  });

  it("inserts a note on its own line between existing and new data", () => {
    const chain = new ChainSource(file("c", "one\ntw"));
    chain.note("deleted");
    writeFileSync(`${directory}/c`, "o\nthree\n", { flag: "a" });
    expect(all(chain)).toBe("one\ntw\ndeleted\no\nthree\n");
    const three = all(chain).indexOf("three");
    expect(chain.offsetInFile(three)).toBe(8);
    // The two newlines before it do not belong to the file.
    expect(chain.fileAt(three)).toMatchObject({ begins: 0, foreign: 2 });
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

  it("keeps a few files and reports the ones that it stops reading", () => {
    const first = file("g0", "0\n");
    const chain = new ChainSource(first);
    for (let index = 1; index <= 4; index++) chain.continueWith(file(`g${index}`, `${index}\n`), 0, "next");
    expect(chain.takeDropped()).toEqual([first]);
    expect(chain.takeDropped()).toEqual([]);
    expect(all(chain)).toBe("1\nnext\n2\nnext\n3\nnext\n4\n");
    expect(chain.start()).toBe(7);
  });

  it("keeps the last mebibyte of a released file in memory, from the start of a line, with a note", () => {
    const line = `${"x".repeat(99)}\n`;
    const fd = file("big", line.repeat(20_000));
    const chain = new ChainSource(fd);
    chain.note("a note");
    chain.continueWith(file("next", "next\n"), 0, "rotated");
    const end = chain.end();
    const before = all(chain, 65536);
    chain.release(fd);
    expect(chain.takeDropped()).toEqual([fd]);
    expect(chain.end()).toBe(end);
    const note = "deleted: earlier content was dropped to free its storage\n";
    const after = all(chain, 65536);
    expect(after.startsWith(note)).toBe(true);
    expect(before.endsWith(after.slice(note.length))).toBe(true);
    expect(after.slice(note.length, note.length + 100)).toBe(line);
    expect(after.length - note.length).toBeGreaterThan(1024 * 1024 - 200);
    expect(all(partsSource(chain.parts()), 65536)).toBe(after);
    expect(chain.fileAt(end).isCut).toBe(false);
    expect(chain.fileAt(chain.start() + note.length).isCut).toBe(true);
  });

  it("continues after the newest file was released", () => {
    const fd = file("only", "one\ntwo");
    const chain = new ChainSource(fd);
    chain.release(fd);
    expect(chain.takeDropped()).toEqual([fd]);
    expect(all(chain)).toBe("one\ntwo");
    chain.note("deleted");
    chain.note("again");
    expect(all(chain)).toBe("one\ntwo\ndeleted\nagain\n");
    chain.continueWith(file("new", "three\n"), 0, "back");
    expect(all(chain)).toBe("one\ntwo\ndeleted\nagain\nback\nthree\n");
  });
});
