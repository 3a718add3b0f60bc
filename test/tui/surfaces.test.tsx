import { render } from "ink-testing-library";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { Painter } from "../../cli/tui/app/drawing/painter.ts";
import type { Terminal } from "../../cli/tui/app/terminal/terminal.ts";
import { regionsOf } from "../../cli/tui/canvas/layout.ts";
import { DEFAULT_THEME, type TerminalColours, themeFor } from "../../cli/tui/canvas/theme.ts";
import { keyHints, keyName } from "../../cli/tui/keymap/hints.ts";
import { type Context, KEYMAP } from "../../cli/tui/keymap/keymap.ts";
import { KeysBar, StatusBar, TopBar } from "../../cli/tui/ui/bars.tsx";
import { helpPage, helpWidth } from "../../cli/tui/ui/help.ts";
import { HelpOverlay } from "../../cli/tui/ui/help-overlay.tsx";
import { inkSurfaces } from "../../cli/tui/ui/ink-surfaces.tsx";
import { EMPTY_PROMPT } from "../../cli/tui/ui/prompt.ts";
import type { BottomState, ScreenState, TopState } from "../../cli/tui/ui/state.ts";
import { ScreenStore } from "../../cli/tui/ui/store.ts";
import { toastState } from "../../cli/tui/ui/toast.ts";
import { viewerStatus } from "../../cli/tui/viewer/viewer-status.ts";
import type { ViewerStatus } from "../../cli/tui/viewer/viewer-types.ts";
import { loadWidths } from "../../src/text/rows/width.ts";
import { plain } from "../helpers/plain.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { CONTROL, HOSTILE } from "../text/hostile.ts";

beforeAll(loadWidths);

const top = (change: Partial<TopState> = {}): TopState => ({
  columns: 80,
  title: "web:/var/log/app.log",
  subtitle: "mount, file",
  ...change,
});
const bottom = (change: Partial<BottomState> = {}, status: Partial<ViewerStatus> = {}): BottomState => ({
  columns: 80,
  prompt: undefined,
  keys: undefined,
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
      sparkline: "",
      line: { number: 9_876, isExact: true },
      search: undefined,
      filter: undefined,
      index: undefined,
      modes: [],
      levels: "",
      count: "",
      ...status,
    },
    change.columns ?? 80,
    (action) => keyName("viewer", action),
  ),
});
const screen = (change: Partial<ScreenState> = {}): ScreenState => ({
  theme: DEFAULT_THEME,
  top: top(),
  bottom: bottom(),
  side: undefined,
  histogram: undefined,
  overlay: undefined,
  toast: undefined,
  ...change,
});

const rowsOf = (text: string | undefined) => (text ?? "").split("\n");
const drawTop = (of: TopState) => rowsOf(plain(render(<TopBar state={of} theme={DEFAULT_THEME} />).lastFrame() ?? ""));
const drawBottom = (of: BottomState) => {
  const { keys, columns } = of;
  const status = render(<StatusBar state={of} theme={DEFAULT_THEME} />);
  const bars = keys ? [status, render(<KeysBar keys={keys} columns={columns} theme={DEFAULT_THEME} />)] : [status];
  return bars.flatMap(({ lastFrame }) => rowsOf(plain(lastFrame() ?? "")));
};
const status = (change: Partial<ViewerStatus>, columns = 80) => drawBottom(bottom({ columns }, change))[0] ?? "";

describe("the top bar", () => {
  it("shows the title and the route over the whole width", () => {
    expect(drawTop(top())).toEqual([` web:/var/log/app.log${" ".repeat(46)} mount, file `]);
  });

  it("shows the tabs above the title, and underlines the shown tab", () => {
    const tabs = { titles: ["web:/log", "Containers"], at: 1 };
    const rows = rowsOf(render(<TopBar state={top({ tabs })} theme={DEFAULT_THEME} />).lastFrame());
    expect(plain(rows[0] ?? "")).toBe(" 1 web:/log  2 Containers ");
    expect(rows[0]).toMatch(/\x1b\[4m 2 Containers /);
    expect(rows.length).toBe(2);
  });

  it("emphasises the last component of the path", () => {
    const strong = (title: string) => {
      const frame = render(<TopBar state={top({ title })} theme={DEFAULT_THEME} />).lastFrame() ?? "";
      return /\x1b\[1m([^\x1b]*)/.exec(frame)?.[1];
    };
    expect(strong("web:/var/log/app.log")).toBe("app.log");
    expect(strong("web:/var/log/")).toBe("log/");
    expect(strong("Containers")).toBe(" Containers");
    expect(strong("web:/a/b  deleted: /x")).toBe("b");
  });

  it("cuts a title that is too long, by columns, and keeps the width", () => {
    for (const title of ["x".repeat(300), "日本".repeat(100)])
      expect(drawTop(top({ title }))[0]).toMatch(/… {1,2}mount, file $/);
  });
});

describe("the bottom bar", () => {
  it("shows the filter sanitised, and truncates it by columns", () => {
    const row = (mark: string) =>
      drawBottom({ ...bottom({ columns: 40 }), status: { left: "on disk", right: "1 of 1", mark } })[0];
    expect(row("/日本語")).toBe(" /日本語  on disk                1 of 1 ");
    expect(row("/\u202ea")).toMatch(/^ \/<U\+202E>a {2}on disk +1 of 1 ?$/);
    expect(row(`/${"x".repeat(100)}`)).toBe(` /${"x".repeat(37)}…`);
  });

  it("shows the state of follow and search, and the position in the text", () => {
    expect(status({ follow: "on", bottom: 4_000_000 })).toMatch(/^ FOLLOW {2}.* END /);
    expect(status({ follow: "paused" })).toMatch(/^ PAUSED {2}G resumes/);
    expect(status({ follow: "paused", news: 1_234 })).toMatch(/^ PAUSED {2}1,234 new lines: G/);
    expect(status({ follow: "on", rate: 1, sparkline: "▁█" })).toMatch(/^ FOLLOW {2}▁█ 1 line\/s/);
    const search = { pattern: "x+", isOfLevels: false, ordinal: 3, total: 1_204, progress: 1, isRunning: false };
    expect(status({ search })).toMatch(/^ \/x\+ {2}3 of 1,204 {2}/);
    const running = { ...search, ordinal: undefined, progress: 0.456, isRunning: true };
    expect(status({ search: running })).toMatch(/^ \/x\+ {2}1,204\+ \(45 %\) {2}Esc/);
    const filter = { pattern: "!x", descriptions: [], context: 2, total: 1, progress: 1, isRunning: false };
    expect(status({ filter })).toMatch(/^ &!x ±2 {2}1 line {2}/);
    expect(status({ filter: { ...filter, descriptions: ["muted: db"] } })).toMatch(
      /^ &!x {2}muted: db ±2 {2}1 line {2}/,
    );
    expect(status({ filter: { ...filter, pattern: "", context: 0, descriptions: ["only web"] } })).toMatch(
      /^ only web {2}1 line/,
    );
    expect(status({ filter, levels: "error 12 info ~900" }, 120)).toMatch(/1 line {2}error 12 info ~900 /);
    expect(status({ index: 0.5 })).toMatch(/^ counting 50 % {2}Esc cancels/);
    expect(status({ modes: ["wrapped", "JSON folded"] })).toMatch(/^ wrapped {2}JSON folded /);
    expect(status({ line: { number: 12_345, isExact: false } })).toMatch(/ line ~12,345 {2}50 %/);
    expect(status({ mode: "hex", line: undefined, top: 255 })).toMatch(/^ HEX {2}.* 0xff {2}byte 255 /);
    expect(status({ end: 0, bottom: 0, top: 0, length: 0 })).toMatch(/ empty {2}byte 0 of 0 ?$/);
    expect(status({ left: 40, start: 5, isDropping: true }, 120)).toMatch(/column 41 {2}beginning dropped {2}/);
  });

  it("omits the least important parts if there is no room, and never truncates a prompt", () => {
    const filter = { pattern: "ERROR", descriptions: [], context: 1, total: 1_204, progress: 1, isRunning: false };
    const search = { pattern: "failed", isOfLevels: false, ordinal: 3, total: 1_204, progress: 1, isRunning: false };
    const following = { follow: "on", rate: 12, sparkline: "▁▂▃▄▅▆▇█▁▂▃▄", bottom: 4_000_000, filter } as const;
    expect(status(following, 120)).toMatch(/^ FOLLOW {2}▁\S+ 12 lines\/s {2}&ERROR ±1 .*byte 1,234,/);
    expect(status(following)).toMatch(/^ FOLLOW {2}12 lines\/s {2}&ERROR ±1 {2}1,204 lines +line 9,876 {2}END ?$/);
    expect(status({ ...following, search })).toMatch(/ \/failed {2}3 of 1,204 {2}&ERROR ±1 {2}1,204 /);
  });

  it("processes only the visible part of a long prompt", () => {
    const segment = vi.spyOn(Intl.Segmenter.prototype, "segment");
    const characters = Array.from({ length: 2000 }, () => "é");
    const [row] = drawBottom(bottom({ prompt: { label: "/", characters, cursor: 1000 } }));
    const calls = segment.mock.calls.length;
    segment.mockRestore();
    expect(row).toContain("é");
    expect(calls).toBeLessThan(1500);
  });

  it("shows the prompt with its cursor instead of the status", () => {
    const row = (characters: readonly string[], cursor: number) =>
      drawBottom(bottom({ prompt: { label: "/", characters, cursor } }))[0];
    expect(drawBottom(bottom({ prompt: { label: "/", ...EMPTY_PROMPT } }))[0]).toMatch(/^\//);
    expect(row([..."abc"], 3)).toMatch(/^\/abc/);
    const long = [..."x".repeat(200), "E"];
    expect(row(long, long.length)).toMatch(/^\/x+E ?$/);
  });

  it.each([
    [["viewer", "out"], /^ \/ search {2}n next {2}& filter {2}F follow .* {2}\? help {2}: palette {2}q back$/],
    [
      ["containers", "list"],
      /^ Enter open {2}\/ filter {2}L output {2}Space mark {2}O open files {2}M mounts .* {2}\? help {2}: palette {2}q back$/,
    ],
    [["files", "out", "list"], /^ Enter open {2}\/ filter .* Space mark .* {2}\? help {2}: palette {2}q back$/],
  ] as [Context[], RegExp][])("shows the keys of %j", (contexts, expected) => {
    const [, row] = drawBottom(bottom({ columns: 120, keys: keyHints(contexts) }));
    expect(row?.trimEnd()).toMatch(expected);
  });

  it("shows exactly the bound keys", () => {
    const keymap = {
      ...KEYMAP,
      viewer: KEYMAP.viewer.map((binding) => ({
        ...binding,
        keys: binding.action === "search" ? ["f3"] : binding.action === "follow" ? [] : binding.keys,
      })),
    };
    const [, row] = drawBottom(bottom({ keys: keyHints(["viewer"], keymap) }));
    expect(row).toMatch(/^ F3 search {2}n next /);
    expect(row).not.toContain("follow");
  });

  it.each([20, 40, 80, 200])("keeps its keys within %d columns", (columns) => {
    const [, row = ""] = drawBottom(bottom({ columns, keys: keyHints(["files", "out", "list"]) }));
    expect(row.length).toBeLessThanOrEqual(columns);
    expect(row).not.toContain("…");
    expect(row).toContain("? help");
  });
});

describe("the help", () => {
  it.each([80, 120, 200])("lists every key of the keymap at %d columns, a page at a time", (columns) => {
    const size = { columns, height: 21 };
    const { pages } = helpPage(["viewer"], size, 0);
    const text = Array.from({ length: pages }, (_, index) => {
      const page = helpPage(["viewer"], size, index);
      const tree = <HelpOverlay page={page} width={helpWidth(page)} turn="Space and b turn it" theme={DEFAULT_THEME} />;
      const { lastFrame, stdout } = render(tree);
      Object.defineProperty(stdout, "columns", { value: columns });
      const rows = rowsOf(plain(lastFrame() ?? ""));
      expect(rows.length).toBeLessThanOrEqual(size.height);
      return rows.map((row) => row.replaceAll("│", "")).join("\n");
    }).join("\n");
    for (const { help } of [...KEYMAP.viewer, ...KEYMAP.global]) expect(text.replace(/\n/g, "")).toContain(help);
    expect(text).toContain("Everywhere");
    expect(text).toContain(`page 1 of ${pages}: Space and b turn it`);
  });
});

describe("the surfaces", () => {
  it("render only when their part of the store changes", async () => {
    const store = new ScreenStore(screen());
    let changes = 0;
    const surfaces = await inkSurfaces(store, () => {
      changes++;
    });
    const before = surfaces.bottom();
    store.set(screen({ top: top({ title: "another" }) }));
    await waitFor("the new title", () => plain(surfaces.top()[0] ?? "").includes("another"));
    expect(surfaces.bottom()).toEqual(before);
    expect(changes).toBe(1);
    store.set(screen({ top: top({ title: "another" }) }));
    await new Promise((resolve) => setImmediate(resolve));
    expect(changes).toBe(1);
    surfaces.close();
  });

  it("change the status and keep the keys below it", async () => {
    const keys = keyHints(["viewer"]);
    const at = (line: number) => screen({ bottom: bottom({ keys }, { line: { number: line, isExact: true } }) });
    const store = new ScreenStore(at(1));
    const kept = store.get().bottom.keys;
    const surfaces = await inkSurfaces(store, () => undefined);
    const [, keysRow] = surfaces.bottom();
    store.set({ ...at(2), bottom: { ...at(2).bottom, keys: keyHints(["viewer"]) } });
    await waitFor("the new status", () => plain(surfaces.bottom()[0] ?? "").includes("line 2 "));
    expect(surfaces.bottom().slice(1)).toEqual([keysRow]);
    expect(store.get().bottom.keys).toBe(kept);
    store.set(screen());
    await waitFor("one row", () => surfaces.bottom().length === 1);
    surfaces.close();
  });

  it("are laid out for the current columns", async () => {
    const store = new ScreenStore(screen());
    const surfaces = await inkSurfaces(store, () => undefined);
    store.set(screen({ top: top({ columns: 150 }), bottom: bottom({ columns: 150 }) }));
    await waitFor("the new width", () => plain(surfaces.top()[0] ?? "").length === 150);
    await waitFor("the new width below", () => plain(surfaces.bottom()[0] ?? "").length === 150);
    surfaces.close();
  });

  it.each(["dark", "light", "terminal", "plain"] as const)("end in the plain style in theme %s", async (name) => {
    const terminal: TerminalColours = { depth: "all", isPlain: false, isLight: undefined };
    const theme = themeFor({ name, parts: {} }, terminal);
    const store = new ScreenStore(screen({ theme, bottom: bottom({ keys: keyHints(["viewer"]) }, { follow: "on" }) }));
    const surfaces = await inkSurfaces(store, () => undefined);
    for (const row of [...surfaces.top(), ...surfaces.bottom()]) {
      const open = new Set<string>();
      for (const [, code = ""] of row.matchAll(/\x1b\[([0-9;]*)m/g)) {
        const ends = { "22": /^[12]$/, "24": /^4$/, "27": /^7$/, "39": /^3[0-8]/, "49": /^4[0-8]/ }[code];
        if (ends) for (const one of [...open]) ends.test(one) && open.delete(one);
        else open.add(code);
      }
      expect([...open]).toEqual([]);
      if (name === "plain") expect(row).not.toMatch(/\x1b\[[34]\d/);
    }
    surfaces.close();
  });

  it.each(HOSTILE)("escape $name in names and messages", async ({ bytes }) => {
    const text = bytes.toString("utf8");
    const prompt = { label: "/", characters: [text, text], cursor: 1 };
    const store = new ScreenStore(
      screen({
        top: top({ title: text, subtitle: text }),
        bottom: { ...bottom(), status: { mark: text, left: text, right: text } },
        toast: toastState(text, { columns: 80, height: 21 }),
      }),
    );
    const surfaces = await inkSurfaces(store, () => undefined);
    const safe = () => {
      const rows = [...surfaces.top(), ...surfaces.bottom()];
      for (const row of [...rows, ...surfaces.toast()]) expect(plain(row)).not.toMatch(CONTROL);
      expect(rows.length).toBe(2);
    };
    safe();
    store.set(screen({ bottom: bottom({ prompt }) }));
    await waitFor("the prompt", () => plain(surfaces.bottom()[0] ?? "").startsWith("/"));
    safe();
    surfaces.close();
  });
});

it("draws the surfaces with the next frame if another program had the terminal when Ink was loaded", async () => {
  let isOurs = false;
  let written = "";
  const write = (text: string) => {
    written += text;
  };
  const painter = new Painter({ busy: false, rows: 24, write } as unknown as Terminal, {
    state: () => (isOurs ? screen() : undefined),
    isKeyWaiting: () => false,
    idle: () => undefined,
    failed: (error) => expect.fail(String(error)),
  });
  await painter.load(Promise.resolve());
  expect(written).toBe("");
  isOurs = true;
  const regions = regionsOf(24, { hasTabs: false });
  painter.paintBody({ rows: ["text"], edge: undefined, columns: 80, regions, title: "log" });
  painter.paintSurfaces();
  await vi.waitFor(() => expect(written).toContain("byte 1,234,567 of 4,000,000"), { timeout: 20_000 });
  painter.close();
});
