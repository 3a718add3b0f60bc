import { expect, it } from "vitest";
import { levelLooks, lineTexts } from "../../cli/tui/canvas/line-text.ts";
import { DEFAULT_THEME, themeFor } from "../../cli/tui/canvas/theme.ts";

it("colours the level of a line after a coloured source, and keeps the colour of a level that is already coloured", () => {
  const levelOf = (text: string) =>
    lineTexts(text, "raw", levelLooks(DEFAULT_THEME))[0]?.marks.map(({ start, end }) => text.slice(start, end));
  expect(levelOf("\x1b[36mweb:/app.log |\x1b[0m 2026-01-31 ERROR it broke")).toEqual(["ERROR"]);
  expect(levelOf("\x1b[36mweb:/app.log |\x1b[m WARN it may break")).toEqual(["WARN"]);
  expect(levelOf("\x1b[36mweb |\x1b[0m \x1b[32mINFO\x1b[0m fine")).toEqual([]);
  expect(levelOf("INFO plain")).toEqual(["INFO"]);
  expect(lineTexts("\x1b[36mweb |\x1b[0m ERROR", "raw", undefined)[0]?.marks).toEqual([]);
});

it("colours levels by the theme, and by attributes alone in the plain theme", () => {
  const looks = (name: "light" | "plain") =>
    levelLooks(themeFor({ name, parts: {} }, { depth: "all", isPlain: false, isLight: true }));
  expect(looks("light")("warn")).toEqual({ foreground: "38;2;140;90;0", attributes: [] });
  expect(looks("light")("error")).toEqual({ foreground: "38;2;191;38;38", attributes: [1] });
  expect(looks("plain")("error")).toEqual({ attributes: [1] });
  expect(looks("plain")("info").foreground).toBeUndefined();
});

it("takes the colours of a theme that changes after the text is open", () => {
  const terminal = { depth: "all", isPlain: false, isLight: undefined } as const;
  const theme = { ...themeFor({ name: "dark", parts: {} }, terminal) };
  const looks = levelLooks(theme);
  const dark = looks("info");
  Object.assign(theme, themeFor({ name: "light", parts: {} }, terminal));
  expect(looks("info")).not.toEqual(dark);
});
