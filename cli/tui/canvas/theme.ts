/** How things look, as parameters of SGR (ECMA-48 8.3.117); empty for plain. */
export type Theme = Readonly<Record<ThemePart, string>>;

export type ThemePart = (typeof THEME_PARTS)[number];

export const THEME_PARTS = ["selection", "heading", "title", "dim", "good", "warning", "bad", "marked"] as const;

/** Attributes, and colours of the terminal's own palette that can be read on dark and on light. */
export const DEFAULT_THEME: Theme = {
  selection: "7",
  heading: "1",
  title: "2",
  dim: "2",
  good: "32",
  // Yellow is what no light terminal shows: it is under the letters.
  warning: "30;43",
  bad: "31",
  marked: "1;35",
};

/** A theme without colours: attributes alone stay (NO_COLOR). */
export function withoutColours(theme: Theme): Theme {
  const keep = (style: string) =>
    style
      .replace(/[34]8;2;\d+;\d+;\d+/g, "")
      .split(";")
      .filter((parameter) => /^[1-9]$/.test(parameter))
      .join(";");
  const plain = Object.fromEntries(THEME_PARTS.map((part) => [part, keep(theme[part])])) as Record<ThemePart, string>;
  // What was told by its colour alone.
  return { ...plain, selection: plain.selection || "7", bad: plain.bad || "1", marked: plain.marked || "1" };
}
