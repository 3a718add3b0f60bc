import { type ColourDepth, reduceColours } from "./colour-depth.ts";

/** Styles as parameters of SGR (ECMA-48 8.3.117); empty for plain. */
export type Theme = Readonly<Record<ThemePart, string>>;

export type ThemePart = (typeof THEME_PARTS)[number];

/**
 * The parts of a theme: roles of parts of the screen, not colours. Ink's components and the canvas
 * use the same parts.
 */
export const THEME_PARTS = [
  "selection",
  "heading",
  "title",
  "dim",
  "good",
  "warning",
  "bad",
  "marked",
  "accent",
  "border",
  "focus",
  "key",
  "bar",
  "bar-strong",
  "bar-dim",
  "thumb",
  "tick",
] as const;

/**
 * Theme names. `terminal` uses the 16 colours of the terminal's palette, `plain` only attributes.
 */
export const THEME_NAMES = ["dark", "light", "terminal", "plain"] as const;
export type ThemeName = (typeof THEME_NAMES)[number];

/**
 * Attributes, and colours of the terminal's own palette that are readable on dark and light
 * backgrounds.
 */
export const DEFAULT_THEME: Theme = {
  selection: "7",
  heading: "1",
  title: "2",
  dim: "2",
  good: "32",
  // Yellow letters are not readable on a light background, so yellow is the background of this
  // style.
  warning: "30;43",
  bad: "31",
  marked: "1;35",
  accent: "1",
  border: "2",
  focus: "1",
  key: "1",
  bar: "7",
  "bar-strong": "7;1",
  "bar-dim": "7",
  thumb: "100",
  tick: "45",
};

const dark = (): Theme => ({
  selection: background("#2c4358"),
  heading: `1;${foreground("#9fc3dd")}`,
  title: foreground("#7d8e9e"),
  dim: foreground("#82909d"),
  good: foreground("#86d08a"),
  warning: foreground("#eebd62"),
  bad: foreground("#f47f7f"),
  marked: `1;${foreground("#d7a0f0")}`,
  accent: foreground("#63cfd6"),
  border: foreground("#4c6072"),
  focus: foreground("#63cfd6"),
  key: `1;${foreground("#63cfd6")}`,
  bar: `${foreground("#b9c6d2")};${background("#232d37")}`,
  "bar-strong": `1;${foreground("#eef3f7")};${background("#232d37")}`,
  "bar-dim": `${foreground("#8a9aa9")};${background("#232d37")}`,
  thumb: background("#4c6072"),
  tick: background("#eebd62"),
});

const light = (): Theme => ({
  selection: background("#cfe3f1"),
  heading: `1;${foreground("#23506e")}`,
  title: foreground("#66727d"),
  dim: foreground("#66727d"),
  good: foreground("#1d7a3a"),
  warning: foreground("#8c5a00"),
  bad: foreground("#bf2626"),
  marked: `1;${foreground("#862bab")}`,
  accent: foreground("#00708c"),
  border: foreground("#9aa8b4"),
  focus: foreground("#00708c"),
  key: `1;${foreground("#00708c")}`,
  bar: `${foreground("#33414d")};${background("#dde4ea")}`,
  "bar-strong": `1;${foreground("#10181f")};${background("#dde4ea")}`,
  "bar-dim": `${foreground("#5b6873")};${background("#dde4ea")}`,
  thumb: background("#b4c2cd"),
  tick: background("#d08a1c"),
});

/**
 * The user's choice: a theme by name or the theme that suits the terminal, and styles for some
 * parts.
 */
export interface ThemeChoice {
  name: ThemeName | "auto";
  parts: Partial<Theme>;
}

/** Colour properties of the terminal. */
export interface TerminalColours {
  depth: ColourDepth;
  /** True if NO_COLOR is set. */
  isPlain: boolean;
  /** True if the terminal's background is light; undefined if unknown. */
  isLight: boolean | undefined;
}

/**
 * Returns the theme for the user's choice on a terminal. NO_COLOR takes precedence over the choice.
 */
export function themeFor({ name, parts }: ThemeChoice, { depth, isPlain, isLight }: TerminalColours): Theme {
  if (isPlain || depth === 0 || name === "plain") return withoutColours({ ...DEFAULT_THEME, ...parts });
  // 16 colours have none that is close to the backgrounds of the other themes.
  const isBasic = depth === 8 || depth === 16;
  const auto = isLight ? "light" : "dark";
  const base = isBasic ? DEFAULT_THEME : BASES[name === "auto" ? auto : name]();
  return mapStyles({ ...base, ...parts }, (style) => reduceColours(style, depth));
}

const BASES: Readonly<Record<ThemeName, () => Theme>> = {
  dark,
  light,
  terminal: () => DEFAULT_THEME,
  plain: () => DEFAULT_THEME,
};

/**
 * True if text on this background must be dark, by its luma (ITU-R BT.601). Components from 0 to 1.
 */
export function isLightColour({ red, green, blue }: { red: number; green: number; blue: number }): boolean {
  return 0.299 * red + 0.587 * green + 0.114 * blue > 0.5;
}

/** Removes the colours from a theme (NO_COLOR) and keeps its attributes. */
export function withoutColours(theme: Theme): Theme {
  const plain = mapStyles(theme, (style) =>
    style
      .replace(/[34]8;(2;\d+;\d+;\d+|5;\d+)/g, "")
      .split(";")
      .filter((parameter) => /^[1-9]$/.test(parameter))
      .join(";"),
  );
  // Without colours these parts would look the same, so they get attributes.
  const { selection, bad, marked, thumb, tick } = plain;
  return {
    ...plain,
    ...{ selection: selection || "7", bad: bad || "1", marked: marked || "1" },
    // Styles for a blank cell: reverse video fills the cell; an underline is thinner.
    ...{ thumb: thumb || "7", tick: tick || "4" },
  };
}

function mapStyles(theme: Theme, change: (style: string) => string): Theme {
  return Object.fromEntries(THEME_PARTS.map((part) => [part, change(theme[part])])) as Record<ThemePart, string>;
}

function foreground(colour: string): string {
  return `38;2;${partsOf(colour)}`;
}

function background(colour: string): string {
  return `48;2;${partsOf(colour)}`;
}

function partsOf(colour: string): string {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)).join(";");
}
