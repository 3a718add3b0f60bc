import { expect, it } from "vitest";
import { lineTexts } from "../../cli/tui/canvas/line-text.ts";

it("colours the level of a line behind a coloured source, and leaves a level that has a colour of its own", () => {
  const levelOf = (text: string) =>
    lineTexts(text, "raw", true)[0]?.marks.map(({ start, end }) => text.slice(start, end));
  expect(levelOf("\x1b[36mweb:/app.log |\x1b[0m 2026-01-31 ERROR it broke")).toEqual(["ERROR"]);
  expect(levelOf("\x1b[36mweb:/app.log |\x1b[m WARN it may break")).toEqual(["WARN"]);
  expect(levelOf("\x1b[36mweb |\x1b[0m \x1b[32mINFO\x1b[0m fine")).toEqual([]);
  expect(levelOf("INFO plain")).toEqual(["INFO"]);
  expect(lineTexts("\x1b[36mweb |\x1b[0m ERROR", "raw", false)[0]?.marks).toEqual([]);
});
