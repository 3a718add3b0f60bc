import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { compilePattern } from "../../src/text/pattern.ts";
import { regularSource } from "../../src/text/regular-source.ts";
import { Searcher } from "../../src/text/searcher.ts";
import { repository } from "../helpers/paths.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { MemorySource } from "./memory-source.ts";

const directory = mkdtempSync(`${tmpdir()}/porthole-search-`);
afterAll(() => rmSync(directory, { recursive: true }));
/** The worker as it is shipped. */
const worker = pathToFileURL(`${repository}dist/search-worker.js`);

async function withFile(content: string, use: (searcher: Searcher) => Promise<void>): Promise<void> {
  writeFileSync(`${directory}/file`, content);
  const fd = openSync(`${directory}/file`, "r");
  const searcher = new Searcher(regularSource(fd), worker);
  try {
    await use(searcher);
  } finally {
    await searcher.close();
    closeSync(fd);
  }
}

const forward = { from: 0, direction: "forward" } as const;

describe("Searcher with a descriptor", () => {
  it("finds in a worker thread, one search after the other", async () => {
    await withFile("one\ntwo\nthree\n", async (searcher) => {
      expect(await searcher.find(compilePattern("tw."), forward, () => {})).toEqual({ kind: "found", line: 4 });
      expect(await searcher.find(compilePattern("four"), forward, () => {})).toEqual({ kind: "none" });
    });
  });

  it("ends a search when the next one begins", async () => {
    await withFile(`${"a".repeat(1000)}\n`.repeat(20_000), async (searcher) => {
      const first = searcher.find(compilePattern("(a*)*b\\1x"), forward, () => {});
      const second = searcher.find(compilePattern("a"), forward, () => {});
      expect(await first).toEqual({ kind: "cancelled" });
      expect(await second).toEqual({ kind: "found", line: 0 });
    });
  });

  it("is cancelled even while one expression takes for ever, and works again afterwards", async () => {
    await withFile(`${"a".repeat(60)}\n`, async (searcher) => {
      const stuck = searcher.find(compilePattern("^(a+)+$x?b"), forward, () => {});
      await searcher.cancel();
      expect(await stuck).toEqual({ kind: "cancelled" });
      expect(await searcher.find(compilePattern("^a+$"), forward, () => {})).toEqual({ kind: "found", line: 0 });
    });
  });

  it("tells how far it is", async () => {
    await withFile("", async (searcher) => {
      // A hole: no newline, no end in sight.
      truncateSync(`${directory}/file`, 64 * 2 ** 30);
      let position = 0;
      const search = searcher.find(compilePattern("z"), forward, (at) => {
        position = at;
      });
      await waitFor("progress", () => position > 0);
      await searcher.cancel();
      expect(await search).toEqual({ kind: "cancelled" });
    });
  });
});

describe("Searcher without a descriptor", () => {
  it("searches in this thread, and can be cancelled from it", async () => {
    const source = new MemorySource(`${"x".repeat(99)}\n`.repeat(400_000));
    const searcher = new Searcher(source);
    const search = searcher.find(compilePattern("[\\s\\S]y"), forward, () => {});
    await new Promise((resolve) => setImmediate(resolve));
    await searcher.cancel();
    expect(await search).toEqual({ kind: "cancelled" });
    expect(await searcher.find(compilePattern("x$"), forward, () => {})).toEqual({ kind: "found", line: 0 });
  });
});
