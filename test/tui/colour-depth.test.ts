import { describe, expect, it } from "vitest";
import { colourDepth, reduceColours } from "../../cli/tui/canvas/colour-depth.ts";
import { DEFAULT_THEME, THEME_NAMES, themeFor } from "../../cli/tui/canvas/theme.ts";

describe("the number of colours", () => {
  it.each([
    [{ TERM: "xterm-256color" }, 256],
    [{ TERM: "xterm-kitty" }, 256],
    [{ TERM: "xterm", COLORTERM: "truecolor" }, "all"],
    [{ TERM: "linux", COLORTERM: "24bit" }, "all"],
    [{ TERM: "xterm" }, 16],
    [{ TERM: "xterm-16color" }, 16],
    [{ TERM: "rxvt" }, 16],
    [{}, 16],
    [{ TERM: "linux" }, 8],
    [{ TERM: "screen" }, 8],
    [{ TERM: "screen.xterm" }, 8],
    [{ TERM: "screen-256color" }, 256],
    [{ TERM: "xterm-8color" }, 8],
    [{ TERM: "ansi" }, 8],
    [{ TERM: "vt100" }, 0],
    [{ TERM: "vt220" }, 0],
    [{ TERM: "xterm-mono" }, 0],
  ] as const)("of %j is %s", (environment, depth) => {
    expect(colourDepth(environment)).toBe(depth);
  });
});

describe("a theme on few colours", () => {
  const partsAt = (depth: 0 | 8 | 16, name: (typeof THEME_NAMES)[number] | "auto", parts = {}) =>
    Object.values(themeFor({ name, parts }, { depth, isPlain: false, isLight: undefined })).flatMap((style) =>
      style.split(";").filter(Boolean).map(Number),
    );

  it.each([...THEME_NAMES, "auto"] as const)("%s uses only parameters that a terminal with 8 colours knows", (name) => {
    const parts = { good: "1;38;2;0;200;80", tick: "48;2;250;250;90", bad: "91", thumb: "100" };
    for (const parameter of [...partsAt(8, name), ...partsAt(8, name, parts)])
      expect(parameter < 10 || (parameter >= 30 && parameter < 48 && parameter !== 38)).toBe(true);
  });

  it.each(["dark", "light"] as const)("%s is the terminal's palette", (name) => {
    const terminal = { depth: 16, isPlain: false, isLight: undefined } as const;
    expect(themeFor({ name, parts: {} }, terminal)).toEqual(DEFAULT_THEME);
  });

  it("has only attributes on a terminal without colours", () => {
    for (const parameter of partsAt(0, "auto")) expect(parameter).toBeLessThan(10);
  });

  it.each([
    ["1;38;2;255;0;0", 16, "1;91"],
    ["48;2;0;0;230", 16, "44"],
    ["38;2;255;0;0", 8, "1;31"],
    ["48;2;127;127;127", 8, "7"],
    ["38;2;95;135;175", 256, "38;5;67"],
    ["38;2;128;128;128", 256, "38;5;244"],
    ["38;2;1;2;3", "all", "38;2;1;2;3"],
  ] as const)("shows %s with %s colours as %s", (style, depth, expected) => {
    expect(reduceColours(style, depth)).toBe(expected);
  });
});
