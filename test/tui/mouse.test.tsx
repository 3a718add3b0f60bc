import { mkdirSync } from "node:fs";
import { render } from "ink-testing-library";
import { beforeAll, describe, expect, it } from "vitest";
import { DoubleClick } from "../../cli/tui/app/double-click.ts";
import { regionsOf } from "../../cli/tui/canvas/layout.ts";
import { DEFAULT_THEME } from "../../cli/tui/canvas/theme.ts";
import { keyHints } from "../../cli/tui/keymap/hints.ts";
import { KeysBar, TopBar } from "../../cli/tui/ui/bars.tsx";
import { dialogState } from "../../cli/tui/ui/dialog.ts";
import { DialogOverlay } from "../../cli/tui/ui/dialog-overlay.tsx";
import { hitAt } from "../../cli/tui/ui/hit.ts";
import { overlayCorner, overlayHeight } from "../../cli/tui/ui/overlay-corner.ts";
import { paletteState } from "../../cli/tui/ui/palette.ts";
import type { OverlayState, ScreenState } from "../../cli/tui/ui/state.ts";
import { loadWidths } from "../../src/text/rows/width.ts";
import { describeWith } from "../helpers/availability.ts";
import { builtCommand } from "../helpers/paths.ts";
import { first, numbered, screenOfTest } from "./screen.ts";

beforeAll(loadWidths);

const SIZES = [
  { columns: 80, rows: 24 },
  { columns: 120, rows: 36 },
  { columns: 200, rows: 50 },
];
const plain = (text = "") => text.replace(/\x1b\[[0-9;]*m/g, "").split("\n");

function state(columns: number, overlay?: OverlayState): ScreenState {
  const status = { mark: "", left: "left", right: "right" };
  return {
    theme: DEFAULT_THEME,
    top: { columns, tabs: { titles: ["web:/log", "日本", "Containers"], at: 1 }, title: "日本", subtitle: "" },
    bottom: { columns, status, prompt: undefined, keys: keyHints(["files", "out", "list"]) },
    side: undefined,
    histogram: undefined,
    overlay,
    toast: undefined,
  };
}

describe.each(SIZES)("at $columns x $rows", ({ columns, rows }) => {
  const regions = regionsOf(rows, { hasTabs: true });
  const hit = (row: number, column: number, overlay?: OverlayState) =>
    hitAt(state(columns, overlay), regions, row, column);
  /** Returns the first and last column of a text in a drawn row. */
  const at = (row: string, text: string) => [row.indexOf(text), row.indexOf(text) + text.length - 1] as const;

  it("finds the tab at its drawn position", () => {
    const { lastFrame, stdout } = render(<TopBar state={state(columns).top} theme={DEFAULT_THEME} />);
    Object.defineProperty(stdout, "columns", { value: columns });
    const [row = ""] = plain(lastFrame());
    for (const column of at(row, " 1 web:/log ")) expect(hit(0, column)).toEqual({ kind: "tab", index: 0 });
    // Its title has two columns more than characters.
    for (const column of at(row, " 3 Containers ")) expect(hit(0, column + 2)).toEqual({ kind: "tab", index: 2 });
    expect(hit(0, 12)).toEqual({ kind: "tab", index: 1 });
    expect(hit(0, columns - 1)).toEqual({ kind: "nothing" });
    expect(hit(1, 3)).toEqual({ kind: "nothing" });
  });

  it("finds the key hint at its drawn position, and no hint between two hints", () => {
    const { keys = { here: [], everywhere: [] } } = state(columns).bottom;
    const { lastFrame, stdout } = render(<KeysBar keys={keys} columns={columns} theme={DEFAULT_THEME} />);
    Object.defineProperty(stdout, "columns", { value: columns });
    // The test library always draws 100 columns. The left end is the same at any width.
    const row = plain(lastFrame()).at(-1) ?? "";
    for (const column of at(row, "h up")) expect(hit(rows - 1, column)).toEqual({ kind: "key", press: "h" });
    for (const column of at(row, "Space mark")) expect(hit(rows - 1, column)).toEqual({ kind: "key", press: " " });
    expect(hit(rows - 1, 0)).toEqual({ kind: "nothing" });
    expect(hit(rows - 1, at(row, "h up")[1] + 1)).toEqual({ kind: "nothing" });
    expect(hit(rows - 1, columns - 3)).toEqual({ kind: "key", press: "q" });
    expect(hit(rows - 2, 3)).toEqual({ kind: "nothing" });
  });

  it("finds the entry of the palette, and the body next to the palette", () => {
    const all = Array.from({ length: 30 }, (_, index) => ({
      ...{ name: `entry ${index}`, detail: "", key: "", matched: [], line: "" },
      take: () => undefined,
    }));
    const palette = paletteState({ all, at: 20 }, { columns, height: regions.body });
    if (!palette) throw new Error("no room");
    const top = regions.top + regions.body - overlayHeight(palette);
    expect(hit(top + 1, 5, palette)).toEqual({ kind: "choice", index: palette.first });
    expect(hit(top + palette.rows.length, 5, palette)).toEqual({
      kind: "choice",
      index: palette.first + palette.rows.length - 1,
    });
    expect(hit(top, 5, palette)).toEqual({ kind: "overlay" });
    expect(hit(top - 1, 5, palette)).toEqual({ kind: "beside" });
    expect(hit(top - 1, 5)).toEqual({ kind: "body", row: top - 1 - regions.top, column: 5 });
  });

  it("finds the answers of a dialog at their drawn positions", () => {
    const question = { title: "Open a pipe?", text: "Reading consumes its data.", yes: "read it", no: "do not" };
    const dialog = dialogState({ ...question, answered: () => undefined }, false, { columns, height: regions.body });
    const drawn = plain(render(<DialogOverlay state={dialog} theme={DEFAULT_THEME} />).lastFrame());
    expect(overlayHeight(dialog)).toBe(drawn.length);
    const size = { width: dialog.width, height: drawn.length };
    const corner = overlayCorner(dialog, size, { columns, height: regions.body });
    const row = regions.top + corner.row + drawn.length - 2;
    for (const column of at(drawn.at(-2) ?? "", "y read it"))
      expect(hit(row, corner.column + column, dialog)).toEqual({ kind: "answer", isYes: true });
    for (const column of at(drawn.at(-2) ?? "", "n do not"))
      expect(hit(row, corner.column + column, dialog)).toEqual({ kind: "answer", isYes: false });
    expect(hit(row - 1, corner.column + 4, dialog)).toEqual({ kind: "overlay" });
    expect(hit(row, 0, dialog)).toEqual({ kind: "beside" });
  });
});

describe("a double click", () => {
  it("is a second press at the same place, soon after the first", () => {
    const clicks = new DoubleClick();
    expect(clicks.press(1, 1, 0)).toBe(false);
    expect(clicks.press(1, 1, 300)).toBe(true);
    expect(clicks.press(1, 1, 400)).toBe(false);
    expect(clicks.press(1, 2, 500)).toBe(false);
    expect(clicks.press(1, 2, 901)).toBe(false);
  });
});

describeWith("tmux", "the mouse on the screen", () => {
  const screen = screenOfTest();

  const press = (row: number, column: number) => screen.type(`\x1b[<0;${column + 1};${row + 1}M`);

  it("is on from the start; its wheel scrolls, a click on a key in the last row presses it", async () => {
    await screen.open(screen.file("log", numbered(100)));
    await screen.waitFor("the keys", /^ \/ search /m);
    expect(screen.state("#{mouse_any_flag}")).toBe("1");
    screen.type("\x1b[<65;5;5M");
    await screen.waitFor("three rows down", (text) => first(text) === "line 4 of the log");
    press(23, 2);
    await screen.waitFor("the prompt of the search", (text) => text.split("\n")[22]?.startsWith("/") === true);
    screen.enter("line 50");
    await screen.waitFor("the match", (text) => first(text) === "line 50 of the log");
  });

  it("jumps to the position of a click on the scroll bar, and scrolls while the bar is dragged", async () => {
    await screen.open(screen.file("log", numbered(10_000)));
    await screen.waitFor("the keys", /^ \/ search /m);
    const drag = (row: number) => screen.type(`\x1b[<32;80;${row + 1}M`);
    const line = (text: string) => Number(/^line (\d+) /.exec(first(text))?.[1]);
    press(11, 79);
    await screen.waitFor("the middle", (text) => Math.abs(line(text) - 5000) < 600);
    drag(6);
    await screen.waitFor("a quarter", (text) => Math.abs(line(text) - 2600) < 600);
    drag(21);
    await screen.waitFor("the end", "line 10000 of the log");
    drag(0);
    await screen.waitFor("the start", (text) => line(text) === 1);
    screen.type("\x1b[<0;80;1m");
    drag(11);
    screen.keys("j");
    await screen.waitFor("no scroll after the release", (text) => line(text) === 2);
    screen.type("''");
    await screen.waitFor("the place before the click", (text) => line(text) === 1);
  });

  it("chooses an entry of the palette", async () => {
    await screen.open(screen.file("log", numbered(100)));
    screen.keys(":");
    screen.type("line-numbers");
    await screen.waitFor("the entry", (text) => text.split("\n")[20]?.startsWith("│ line-numbers") === true);
    press(20, 6);
    await screen.waitFor("line numbers", (text) => /^ *1 .*line 1 of the log/.test(first(text)));
  });

  it("is turned off by Alt-m, which reports it, and by the setting", async () => {
    const path = screen.file("log", numbered(100));
    await screen.open(path);
    await screen.waitFor("the keys", /^ \/ search /m);
    screen.keys("M-m");
    await screen.waitFor("how to turn it on", "mouse off: Alt-m turns it on");
    expect(screen.state("#{mouse_any_flag}")).toBe("0");
    screen.keys("q");
    await screen.waitForEnd();
    screen.run(
      `mkdir -p "$XDG_CONFIG_HOME/porthole"; echo '{"mouse": false}' > "$XDG_CONFIG_HOME/porthole/config.json"`,
    );
    await screen.waitForEnd();
    screen.run("clear");
    await screen.open(path);
    expect(screen.state("#{mouse_any_flag}")).toBe("0");
  });

  it("moves the border of the preview, and its wheel scrolls the preview", async () => {
    screen.resize({ columns: 120, rows: 36 });
    mkdirSync(`${screen.directory}/logs`);
    screen.file("logs/only.txt", numbered(200));
    screen.run(`${process.execPath} ${builtCommand} browse ./logs`);
    const place = (text: string) => first(text).indexOf("│");
    await screen.waitFor("the files", (text) => text.includes("only.txt") && place(text) === 67);
    const preview = (text: string) => (text.split("\n")[2] ?? "").slice(place(text) + 2).trim();
    await screen.waitFor("the preview", (text) => preview(text) === "line 1 of the log");
    press(5, 67);
    screen.type("\x1b[<32;41;6M");
    await screen.waitFor("a narrower list", (text) => place(text) === 41);
    screen.type("\x1b[<32;3;6M");
    await screen.waitFor("the narrowest list", (text) => place(text) === 31);
    screen.type("\x1b[<0;3;6m\x1b[<65;90;10M");
    await screen.waitFor("a scrolled preview", (text) => preview(text) === "line 4 of the log");
    screen.keys("Enter");
    await screen.waitFor("the text", (text) => first(text) === "line 1 of the log");
    screen.keys("q");
    await screen.waitFor("the same widths", (text) => place(text) === 31);
  });

  it("selects the row of a file, opens it with a double click, and ignores the preview", async () => {
    screen.resize({ columns: 120, rows: 36 });
    screen.file("a.log", "of a\n");
    screen.file("b.log", "of b\n");
    screen.run(`${process.execPath} ${builtCommand} browse ./`);
    await screen.waitFor("the files", /a\.log/, / 1 of \d+ *$/m);
    const rowOf = (name: string) => screen.rows().findIndex((row) => row.slice(0, 66).includes(name));
    press(rowOf("b.log"), 5);
    press(rowOf("a.log"), 90);
    screen.keys("Enter");
    await screen.waitFor("b", (text) => first(text).trim() === "of b");
    screen.keys("q");
    await screen.waitFor("the files", (text) => /a\.log/.test(text.slice(200)) && / of \d+ *$/m.test(text));
    // Send both clicks in one write: this shortens the time between them.
    const at = `6;${rowOf("a.log") + 1}`;
    screen.type(`\x1b[<0;${at}M\x1b[<0;${at}m\x1b[<0;${at}M`);
    await screen.waitFor("a", (text) => first(text).trim() === "of a");
  });
});
