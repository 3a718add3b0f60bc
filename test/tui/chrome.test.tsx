import { render } from "ink-testing-library";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { KEYMAP } from "../../cli/tui/keymap/keymap.ts";
import { Chrome } from "../../cli/tui/ui/chrome.tsx";
import type { ChromeState } from "../../cli/tui/ui/chrome-text.ts";
import { withMessage as saidOver } from "../../cli/tui/ui/chrome-text.ts";
import { helpPage } from "../../cli/tui/ui/help.ts";
import { inkChrome } from "../../cli/tui/ui/ink-chrome.tsx";
import { plainChrome } from "../../cli/tui/ui/plain-chrome.ts";
import { EMPTY_PROMPT } from "../../cli/tui/ui/prompt.ts";
import { viewerStatus } from "../../cli/tui/viewer/viewer-status.ts";
import type { ViewerStatus } from "../../cli/tui/viewer/viewer-types.ts";
import { loadWidths } from "../../src/text/rows/width.ts";
import { CONTROL, HOSTILE } from "../text/hostile.ts";

beforeAll(loadWidths);

// As the screen does before it loads Ink; chalk looks once, when it is imported.
vi.hoisted(() => {
  process.env.FORCE_COLOR = "1";
});

const state = (change: Partial<ChromeState> = {}, status: Partial<ViewerStatus> = {}): ChromeState => ({
  columns: 80,
  title: "web:/var/log/app.log",
  subtitle: "mount, file",
  prompt: undefined,
  help: undefined,
  ...change,
  status: viewerStatus(
    {
      follow: "off",
      top: 1_234_567,
      length: 4_000_000,
      isDropping: false,
      bottom: 2_000_000,
      start: 0,
      end: 4_000_000,
      left: 0,
      mode: "text",
      news: 0,
      rate: 0,
      picture: "",
      line: { number: 9_876, isExact: true },
      search: undefined,
      filter: undefined,
      index: undefined,
      modes: [],
      count: "",
      message: "",
      ...status,
    },
    change.columns ?? 80,
  ),
});
const plain = (text: string) => text.replace(/\x1b\[[0-9;]*m/g, "");
const draw = (of: ChromeState) => plain(render(<Chrome state={of} />).lastFrame() ?? "").split("\n");

describe("Chrome", () => {
  it("has a title row and a status row over the whole width", () => {
    const [title, status, ...rest] = draw(state());
    expect(rest).toEqual([]);
    expect(title).toMatch(/^ web:\/var\/log\/app\.log +mount, file ?$/);
    expect(status).toMatch(/^ \? help {2}\/ search .*line 9,876 {2}50 % {2}byte 1,234,567 of 4,000,000 ?$/);
    // Ink leaves trailing blanks out where no style is on them.
    expect([title?.trimEnd().length, status?.trimEnd().length]).toEqual([79, 79]);
  });

  it("shows the filter sanitised, and truncates it by columns", () => {
    const status = { left: "on disk", right: "1 of 1" };
    const row = (mark: string) => draw({ ...state({ columns: 40 }), status: { ...status, mark } })[1];
    expect(row("/日本語")).toBe(" /日本語  on disk                1 of 1 ");
    expect(row("/\u202ea")).toMatch(/^ \/<U\+202E>a {2}on disk +1 of 1 ?$/);
    expect(row(`/${"x".repeat(100)}`)).toBe(` /${"x".repeat(37)}…`);
  });

  it("shows the state of follow and search, and the position", () => {
    expect(draw(state({}, { follow: "on", bottom: 4_000_000 }))[1]).toMatch(/^ FOLLOW {2}.* END /);
    expect(draw(state({}, { follow: "paused" }))[1]).toMatch(/^ PAUSED {2}End goes on/);
    expect(draw(state({}, { follow: "paused", news: 1_234 }))[1]).toMatch(/^ PAUSED {2}1,234 new lines: End/);
    expect(draw(state({}, { follow: "on", rate: 1, picture: "▁█" }))[1]).toMatch(/^ FOLLOW {2}▁█ 1 line\/s/);
    const search = { pattern: "x+", ordinal: 3, total: 1_204, progress: 1, isRunning: false };
    expect(draw(state({}, { search }))[1]).toMatch(/^ \/x\+ {2}3 of 1,204 {2}/);
    const running = { ...search, ordinal: undefined, progress: 0.456, isRunning: true };
    expect(draw(state({}, { search: running }))[1]).toMatch(/^ \/x\+ {2}1,204\+ \(45 %\) {2}Esc/);
    const filter = { pattern: "!x", context: 2, total: 1, progress: 1, isRunning: false };
    expect(draw(state({}, { filter }))[1]).toMatch(/^ &!x ±2 {2}1 line {2}/);
    expect(draw(state({}, { index: 0.5 }))[1]).toMatch(/^ counting 50 % {2}Esc cancels/);
    expect(draw(state({}, { modes: ["wrapped", "JSON folded"] }))[1]).toMatch(/^ wrapped {2}JSON folded /);
    expect(draw(state({}, { line: { number: 12_345, isExact: false } }))[1]).toMatch(/ line ~12,345 {2}50 %/);
    expect(draw(state({}, { mode: "hex", line: undefined, top: 255 }))[1]).toMatch(/^ HEX {2}.* 0xff {2}byte 255 /);
    expect(draw(state({}, { message: "not found below: x" }))[1]).toMatch(/^ not found below: x /);
    expect(draw(state({}, { end: 0, bottom: 0, top: 0, length: 0 }))[1]).toMatch(/ empty {2}byte 0 of 0 ?$/);
    expect(draw(state({ columns: 120 }, { left: 40, start: 5, isDropping: true }))[1]).toMatch(
      /column 41 {2}beginning dropped {2}/,
    );
  });

  it("omits the least important parts if there is no room, and never truncates a prompt", () => {
    const filter = { pattern: "ERROR", context: 1, total: 1_204, progress: 1, isRunning: false };
    const search = { pattern: "failed", ordinal: 3, total: 1_204, progress: 1, isRunning: false };
    const following = { follow: "on", rate: 12, picture: "▁▂▃▄▅▆▇█▁▂▃▄", bottom: 4_000_000, filter } as const;
    expect(draw(state({ columns: 120 }, following))[1]).toMatch(
      /^ FOLLOW {2}▁\S+ 12 lines\/s {2}&ERROR ±1 .*byte 1,234,/,
    );
    expect(draw(state({}, following))[1]).toMatch(
      /^ FOLLOW {2}12 lines\/s {2}&ERROR ±1 {2}1,204 lines +line 9,876 {2}END ?$/,
    );
    expect(draw(state({}, { ...following, search }))[1]).toMatch(/ \/failed {2}3 of 1,204 {2}&ERROR ±1 {2}1,204 /);
    expect(draw(state({ columns: 60 }))[1]).toMatch(/^ \? help +line 9,876 {2}50 % ?$|^ \? help +.* of 4,000,000 ?$/);
    const message = "reading ended: the agent could not read the file: EIO";
    expect(draw(state({}, { message }))[1]).toMatch(new RegExp(`^ ${message} {2,}line 9,876 {2}50 % ?$`));
    const long = "the range begins here and ends with the screen's last line: scroll on";
    expect(draw(state({}, { message: long }))[1]?.startsWith(` ${long} `)).toBe(true);
    const said = (columns: number) =>
      draw({ ...state({ columns }), status: saidOver("x".repeat(50), state().status, columns) })[1];
    expect(said(80)?.trim()).toBe("x".repeat(50));
    expect(said(120)).toMatch(/^ x{50} {2,}line 9,876/);
  });

  it("processes only the visible part of a long prompt", () => {
    const segment = vi.spyOn(Intl.Segmenter.prototype, "segment");
    const characters = Array.from({ length: 2000 }, () => "é");
    const [, row] = plainChrome.rows(state({ prompt: { label: "/", characters, cursor: 1000 } }));
    const calls = segment.mock.calls.length;
    segment.mockRestore();
    expect(row).toContain("é");
    expect(calls).toBeLessThan(500);
  });

  it("shows the prompt with its cursor instead of the status", () => {
    expect(draw(state({ prompt: { label: "/", ...EMPTY_PROMPT } }))[1]).toMatch(/^\//);
    expect(draw(state({ prompt: { label: "/", characters: [..."abc"], cursor: 3 } }))[1]).toMatch(/^\/abc/);
    const long = [..."x".repeat(200), "E"];
    expect(draw(state({ prompt: { label: "/", characters: long, cursor: long.length } }))[1]).toMatch(/^\/x+E ?$/);
  });

  it("lists every key of the keymap in the help", () => {
    for (const columns of [80, 200]) {
      const size = { columns, height: 22 };
      const { pages } = helpPage(["viewer"], size, 0);
      const text = Array.from({ length: pages }, (_, page) =>
        draw(state({ columns, help: helpPage(["viewer"], size, page) })).join("\n"),
      ).join("\n");
      for (const { help } of [...KEYMAP.viewer, ...KEYMAP.global]) expect(text).toContain(help);
      expect(text).toContain("Everywhere");
    }
  });

  it("cuts a title that is too long, by columns, and keeps the width", () => {
    for (const title of ["x".repeat(300), "日本".repeat(100)]) {
      const [row = ""] = draw(state({ title }));
      expect(row).toMatch(/… {1,2}mount, file $/);
    }
  });

  it.each(HOSTILE)("shows $name in names and messages instead of sending it", async ({ bytes }) => {
    const text = bytes.toString("utf8");
    for (const chrome of [plainChrome, await inkChrome(80)]) {
      for (const rows of [
        chrome.rows(state({ title: text, subtitle: text }, { message: text })),
        chrome.rows(state({ prompt: { label: "/", characters: [text, text], cursor: 1 } })),
      ]) {
        for (const row of rows) expect(plain(row)).not.toMatch(CONTROL);
        expect(rows.length).toBe(2);
      }
      chrome.close();
    }
  });

  it("looks the same before Ink is loaded and after", async () => {
    const ink = await inkChrome(100);
    for (const of of [
      state({ columns: 100 }),
      state({ columns: 100 }, { follow: "on", message: "rotated" }),
      state({ columns: 60, prompt: { label: "/", characters: [..."abc"], cursor: 1 } }),
    ])
      expect(ink.rows(of)).toEqual(plainChrome.rows(of));
    ink.close();
  });
});
