import { describe, expect, it } from "vitest";
import { scrollBar } from "../../cli/tui/canvas/scroll-bar.ts";
import { DEFAULT_THEME, type TerminalColours, THEME_NAMES, themeFor } from "../../cli/tui/canvas/theme.ts";
import { describeWith } from "../helpers/availability.ts";
import { numbered, screenOfTest } from "./screen.ts";

const drawn = (from: number, to: number, height = 10, ticks?: Uint8Array) =>
  scrollBar({ from, to, height, ticks }, { ...DEFAULT_THEME, thumb: "7", tick: "43" })
    .map((cell) => (cell === "" ? "." : cell.includes("43") ? "+" : "#"))
    .join("");

describe("scrollBar", () => {
  it("is empty if all of the text is on the screen", () => {
    expect(drawn(0, 1)).toBe("");
  });

  it.each([
    [0, 0.2, "##........"],
    [0.4, 0.6, "....##...."],
    [0.8, 1, "........##"],
    [0, 0.0001, "#........."],
    [0.00001, 0.0001, ".#........"],
    [0.9999, 1, ".........#"],
    [0.99, 0.9999, "........#."],
    [0.01, 0.99, "##########"],
  ])("shows the part from %d to %d and touches an end only if the text is at its end", (from, to, bar) => {
    expect(drawn(from, to)).toBe(bar);
  });

  it("shows ticks on the thumb and outside of it", () => {
    const ticks = new Uint8Array(10);
    ticks[0] = ticks[5] = 1;
    expect(drawn(0, 0.2, 10, ticks)).toBe("+#...+....");
  });

  it("shows a thumb that ticks would cover completely", () => {
    expect(drawn(0.4, 0.6, 10, new Uint8Array(10).fill(1))).toBe("++++##++++");
  });

  it.each(THEME_NAMES)("has visible cells that contain a blank in theme %s", (name) => {
    for (const isPlain of [false, true]) {
      const terminal: TerminalColours = { depth: 256, isPlain, isLight: false };
      const theme = themeFor({ name, parts: {} }, terminal);
      const cells = new Set(scrollBar({ from: 0, to: 0.5, height: 2, ticks: Uint8Array.of(0, 1) }, theme));
      expect([...cells]).toHaveLength(2);
      for (const cell of cells) expect(cell).toMatch(/^\x1b\[[0-9;]+m \x1b\[m$/);
    }
  });
});

describeWith("tmux", "the scroll bar of a text", () => {
  const sizes = [
    { columns: 80, rows: 24 },
    { columns: 120, rows: 36 },
    { columns: 200, rows: 50 },
  ];
  const screen = screenOfTest();

  /**
   * Returns the last column of each row of the body: T for a tick, # for the thumb. tmux trims
   * blanks.
   */
  function bar(rows: number): string {
    const lines = screen
      .styled()
      .split("\n")
      .slice(1, rows - 2);
    return lines.map((line) => (/\x1b\[45m *$/.test(line) ? "T" : /\x1b\[100m *$/.test(line) ? "#" : " ")).join("");
  }

  it.each(sizes)("moves with the text and shows ticks for matches at $columns x $rows", async ({ columns, rows }) => {
    screen.resize({ columns, rows });
    screen.run("export TERM=xterm COLORTERM=");
    await screen.waitForEnd();
    await screen.open(screen.file("log", numbered(1000)));
    await screen.waitFor("the thumb at the top", () => /^#+ +$/.test(bar(rows)));
    screen.keys("G");
    await screen.waitFor("the thumb at the end", () => /^ +#+$/.test(bar(rows)));
    screen.enter("/line 5[0-9][0-9] ");
    await screen.waitFor("what is not found below", "not found below");
    screen.keys("g");
    const height = rows - 3;
    await screen.waitFor("ticks around the middle", () => {
      const at = [...bar(rows)].flatMap((cell, row) => (cell === "T" ? [row / height] : []));
      return at.length > 1 && at.every((part) => part > 0.4 && part < 0.65);
    });
    screen.keys("M-b");
    await screen.waitFor("no bar", (text) => text.includes("no scroll bar") && bar(rows).trim() === "");
    screen.keys("M-b");
    await screen.waitFor("the bar again", () => bar(rows).includes("T"));
  });

  it("shows lines of 80 columns completely at 80 columns, and uses a column of wider screens", async () => {
    const line = (of: number) => `${"0123456789".repeat(of / 10)}\n`;
    const path = screen.file("log", `${line(80).repeat(60)}`);
    await screen.open(path);
    await screen.waitFor("the whole line", (text) => text.split("\n")[1] === line(80).trimEnd());
    screen.keys("q");
    await screen.waitForEnd();
    screen.resize({ columns: 120, rows: 36 });
    await screen.open(screen.file("long", line(120).repeat(60)));
    await screen.waitFor("the cut line", (text) => text.split("\n")[1] === `${line(120).slice(0, 118)}>`);
    screen.keys("M-b");
    await screen.waitFor("the whole line", (text) => text.split("\n")[1] === line(120).trimEnd());
  });

  it("is turned off by the setting", async () => {
    screen.run(
      "mkdir -p config/porthole; echo '{\"scroll-bar\": false}' > config/porthole/config.json; export TERM=xterm COLORTERM=",
    );
    await screen.waitForEnd();
    await screen.open(screen.file("log", numbered(1000)));
    screen.keys("G");
    await screen.waitFor("the end", "line 1000 of the log");
    expect(bar(24).trim()).toBe("");
  });
});
