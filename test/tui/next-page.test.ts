import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { contentOf } from "../../cli/tui/viewer/document/content.ts";
import { Viewer } from "../../cli/tui/viewer/viewer.ts";
import { BlockCache, ChainSource } from "../../src/text/index.ts";

const HEIGHT = 20;

let directory: string;
let fd = -1;
beforeEach(() => {
  directory = mkdtempSync(`${tmpdir()}/porthole-next-page-`);
});
afterEach(() => {
  closeSync(fd);
  rmSync(directory, { recursive: true });
});

function viewerOf(text: string): Viewer {
  writeFileSync(`${directory}/log`, text);
  fd = openSync(`${directory}/log`, "r");
  const content = contentOf({ fd, isSeekable: true, stream: () => expect.fail("not a stream") }, () => undefined);
  const viewer = new Viewer({
    ...{ content, colours: "drop", levelLooks: () => ({}), canFollow: false, hex: false, zone: undefined },
    ...{ keyOf: (action) => action, changed: () => undefined },
  });
  viewer.resize(60, HEIGHT);
  return viewer;
}

/** Returns the rows of the next page, and the number of reads of text for its frame. */
function nextPage(viewer: Viewer): { rows: string[]; reads: number } {
  const views = vi.spyOn(BlockCache.prototype, "view");
  viewer.act("page-down");
  const { rows } = viewer.frame();
  const reads = views.mock.calls.length;
  views.mockRestore();
  return { rows, reads };
}

const numbered = Array.from({ length: 500 }, (_, line) => `line ${line} of the log\n`).join("");

it("shows a page that was laid out in advance without reading its lines again", async () => {
  const viewer = viewerOf(numbered);
  viewer.frame();
  const { rows, reads } = nextPage(viewer);
  expect(reads).toBeGreaterThanOrEqual(HEIGHT - 1);
  expect(rows[0]).toBe(`line ${HEIGHT - 1} of the log`);
  viewer.prepare();
  const prepared = nextPage(viewer);
  expect(prepared.reads).toBe(0);
  expect(prepared.rows).toEqual(
    numbered
      .split("\n")
      .slice(2 * (HEIGHT - 1))
      .slice(0, HEIGHT),
  );
  await viewer.close();
});

it("does not lay out a page in advance if its lines are long or filtered", async () => {
  const viewer = viewerOf(`${`${"x".repeat(20_000)}\n`.repeat(30)}${numbered}`);
  const readsOfPreparing = () => {
    viewer.frame();
    const views = vi.spyOn(BlockCache.prototype, "view");
    viewer.prepare();
    const reads = views.mock.calls.length;
    views.mockRestore();
    return reads;
  };
  expect(readsOfPreparing()).toBe(0);
  viewer.goto("99%");
  expect(readsOfPreparing()).toBeGreaterThanOrEqual(HEIGHT - 1);
  viewer.prompt.setFilter("line");
  expect(readsOfPreparing()).toBe(0);
  await viewer.close();
});

it("asks for the end of the file once for a key, and once for its frame with the status", async () => {
  const viewer = viewerOf(numbered);
  viewer.frame().status();
  viewer.prepare();
  const ends = vi.spyOn(ChainSource.prototype, "end");
  viewer.act("page-down");
  viewer.frame().status();
  const { length } = ends.mock.calls;
  ends.mockRestore();
  expect(length).toBe(2);
  await viewer.close();
});
