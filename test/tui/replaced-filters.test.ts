import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { contentOf } from "../../cli/tui/viewer/document/content.ts";
import { Document } from "../../cli/tui/viewer/document/document.ts";
import { ViewerText } from "../../cli/tui/viewer/rows/viewer-text.ts";
import { Searching } from "../../cli/tui/viewer/search/searching.ts";
import { Scan } from "../../src/text/index.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

it("frees the counts of a filter that another one has replaced", async () => {
  const nothing = () => undefined;
  const content = contentOf({ fd: -1, isSeekable: false, stream: () => expect.fail("read here") }, nothing);
  content.stream?.append(Buffer.from("one\ntwo\nthree\n"));
  const document = new Document(content, nothing);
  const searching = new Searching(document, nothing);
  const text = new ViewerText(document, searching, { colours: "drop", levelLooks: () => ({}) }, nothing);
  const scans: WeakRef<Scan>[] = [];
  for (const pattern of ["one", "two", "three", "o"]) {
    text.visibleLines.setPattern(pattern);
    scans.push(new WeakRef(scanOf(text)));
  }
  text.visibleLines.showAll();
  await text.ended();
  // A reference that was created or read is strong until the next turn of the event loop.
  await setImmediate();
  collectGarbage();
  expect(scans.filter((scan) => scan.deref() !== undefined)).toEqual([]);
  text.close();
});

/** Returns the scan that continues when the filter is asked for lines. */
function scanOf({ filter }: ViewerText): Scan {
  const { go } = Scan.prototype;
  let scan: Scan | undefined;
  Scan.prototype.go = function (this: Scan, ...position) {
    scan = this;
    return go.apply(this, position);
  };
  filter?.near(0);
  Scan.prototype.go = go;
  return scan ?? expect.fail("the filter has no scan");
}
