import { describe, expect, it } from "vitest";
import { levelLooks } from "../../cli/tui/canvas/line-text.ts";
import { DEFAULT_THEME } from "../../cli/tui/canvas/theme.ts";

/**
 * xterm's own colours: they are the least readable colours of common terminals. Bold letters use
 * the bright colours.
 */
const NORMAL = ["000000", "cd0000", "00cd00", "cdcd00", "0000ee", "cd00cd", "00cdcd", "e5e5e5"];
const BRIGHT = ["7f7f7f", "ff0000", "00ff00", "ffff00", "5c5cff", "ff00ff", "00ffff", "ffffff"];

/** Returns the relative luminance of WCAG 2. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [0, 2, 4].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** Returns the contrast of letters in this style on a terminal's background. */
function contrastOf(style: string, ground: string, letters: string): number {
  const parameters = style.split(";").map(Number);
  const of = (first: number, palette: readonly string[]) =>
    parameters.filter((one) => one >= first && one < first + 8).map((one) => palette[one - first])[0];
  const inFront = of(30, parameters.includes(1) ? BRIGHT : NORMAL) ?? letters;
  return contrast(inFront, of(40, NORMAL) ?? ground);
}

const styles = [
  ...Object.entries(DEFAULT_THEME),
  ...(["fatal", "error", "warn", "info", "debug", "trace"] as const).map((level) => {
    const { foreground = "", attributes = [] } = levelLooks(DEFAULT_THEME)(level);
    return [level, [...attributes, foreground].join(";")] as const;
  }),
];

describe.each([
  { name: "dark", ground: "000000", letters: "e5e5e5" },
  { name: "light", ground: "ffffff", letters: "000000" },
])("on a $name terminal", ({ ground, letters }) => {
  it.each(styles)("%s is readable", (_name, style) => {
    expect(contrastOf(style, ground, letters)).toBeGreaterThan(1.9);
  });
});
