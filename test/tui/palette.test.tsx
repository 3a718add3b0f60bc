import { render } from "ink-testing-library";
import { beforeAll, describe, expect, it } from "vitest";
import { Commands } from "../../cli/tui/app/prompt/commands.ts";
import { paletteChoices } from "../../cli/tui/app/prompt/palette.ts";
import { PromptLine } from "../../cli/tui/app/prompt/prompt-line.ts";
import { DEFAULT_THEME } from "../../cli/tui/canvas/theme.ts";
import { keyHints } from "../../cli/tui/keymap/hints.ts";
import { type Context, KEYMAP } from "../../cli/tui/keymap/keymap.ts";
import { fuzzyMatch } from "../../cli/tui/ui/fuzzy.ts";
import { paletteState } from "../../cli/tui/ui/palette.ts";
import { PaletteOverlay } from "../../cli/tui/ui/palette-overlay.tsx";
import type { Choice, KnownContainer, Navigator, PromptRequest, RecentFile, View } from "../../cli/tui/view/view.ts";
import { loadWidths } from "../../src/text/rows/width.ts";
import { plain } from "../helpers/plain.ts";
import { CONTROL, HOSTILE } from "../text/hostile.ts";
import { connectionOf } from "./browser/connection-of.ts";

beforeAll(loadWidths);

const container = (name: string, open = () => undefined): KnownContainer => ({
  name,
  detail: "container  nginx",
  open,
});
const recent = (title: string): RecentFile => ({ title, location: { connection: connectionOf({}), path: title } });

function choices(text: string, change: Partial<Parameters<typeof paletteChoices>[1]> = {}) {
  const sources = {
    contexts: ["viewer", "out"] as readonly Context[],
    keymap: KEYMAP,
    recent: [],
    containers: [],
    act: () => undefined,
    reopen: () => undefined,
    ...change,
  };
  return paletteChoices(text, sources);
}

describe("fuzzyMatch", () => {
  it.each([
    ["follow", "follow"],
    ["lin num", "line-numbers"],
    ["LN", "line-numbers"],
    ["opfi", "open-files"],
    ["nüm", "NÜMMER"],
    ["", "anything"],
  ])("finds '%s' in '%s'", (query, name) => {
    expect(fuzzyMatch(query, name)).toBeDefined();
  });

  it.each([
    ["x", "follow"],
    ["wf", "follow"],
    ["follow me", "follow"],
    ["ollw", "follow"],
  ])("does not find '%s' in '%s'", (query, name) => {
    expect(fuzzyMatch(query, name)).toBeUndefined();
  });

  it("ranks matches: whole name, its start, start of a word, substring, subsequence, detail", () => {
    const scores = [
      ["sort", ""],
      ["sorted", ""],
      ["re-sort", ""],
      ["resort", ""],
      ["s-o-r-t", ""],
      ["name", "sort"],
    ].map(([name = "", detail]) => fuzzyMatch("sort", name, detail)?.score ?? 0);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(new Set(scores).size).toBe(scores.length);
  });

  it("reports which characters match, by code points", () => {
    expect(fuzzyMatch("b", "🚀 b")?.matched).toEqual([2]);
    expect(fuzzyMatch("op fi", "open-files")?.matched).toEqual([0, 1, 5, 6]);
    // The lower-case form of this letter has two code points.
    expect(fuzzyMatch("x", "İ x")?.matched).toEqual([2]);
  });
});

describe("the choices", () => {
  it.each(Object.keys(KEYMAP) as Context[])("contain every action of %s once, the exact name first", (context) => {
    const all = choices("", { contexts: [context] });
    expect(new Set(all.map(({ line }) => line)).size).toBe(all.length);
    for (const { action } of KEYMAP[context].filter((binding) => binding.action !== "command")) {
      expect(all.map(({ line }) => line)).toContain(action);
      expect(choices(action, { contexts: [context] })[0]?.line).toBe(action);
    }
  });

  it("leave out actions that the list cannot do now", () => {
    const contexts = ["found", "list"] as const;
    const lines = (lacks?: "selection" | "items") => choices("", { contexts, lacks }).map(({ line }) => line);
    expect(lines()).toEqual(expect.arrayContaining(["open", "show-in-files", "filter", "refresh"]));
    expect(lines("selection")).not.toContain("open");
    expect(lines("selection")).toEqual(expect.arrayContaining(["filter", "refresh"]));
    expect(lines("items")).not.toContain("filter");
  });

  it("show a key that no narrower context overrides, or no key", () => {
    const keymap = {
      ...KEYMAP,
      viewer: KEYMAP.viewer.map((one) => (one.action === "follow" ? { ...one, keys: [] } : one)),
    };
    const keyOf = (name: string) => choices(name, { keymap }).find(({ line }) => line === name)?.key;
    expect(keyOf("search")).toBe("/");
    expect(keyOf("follow")).toBe("");
    // `r` redraws a text, as in less; in a list it reloads.
    const inList = choices("redraw", { contexts: ["list"] }).find(({ line }) => line === "redraw");
    expect(inList?.key).toBe("^L");
  });

  it.each([["viewer"], ["files"], ["containers"]] as const)(
    "begin with the keys of the last row of %s, and end with moves",
    (own) => {
      const contexts: readonly Context[] = own === "viewer" ? [own] : [own, "list"];
      const actions = choices("", { contexts }).map(({ line }) => line);
      const hinted = keyHints(contexts).here.map(({ text }) => text);
      const hints = contexts.flatMap((one) => KEYMAP[one]).map(({ action, hint }) => [action, hint]);
      const shown = actions.slice(0, hinted.length).map((action) => hints.find(([name]) => name === action)?.[1]);
      expect(shown).toEqual(hinted);
      const moves = contexts.flatMap((one) => KEYMAP[one]).filter(({ isMove }) => isMove);
      const first = Math.min(...moves.map(({ action }) => actions.indexOf(action)));
      expect(actions.slice(first, first + moves.length)).toEqual(moves.map(({ action }) => action));
      expect(actions.indexOf("quit")).toBeLessThan(first);
    },
  );

  it("list actions, recent files and containers, and rank them by their match", () => {
    const sources = {
      recent: ["/a", "/b", "/c", "/d"].map(recent),
      containers: [container("web-1"), container("sort")],
    };
    expect(
      choices("", sources)
        .slice(0, 4)
        .map(({ name }) => name),
    ).toEqual(["/a", "/b", "/c", "search"]);
    expect(choices("", sources).map(({ name }) => name)).toContain("/d");
    expect(choices("web", sources)[0]?.line).toBe("open web-1:/");
    expect(choices("nginx", sources).map(({ name }) => name)).toEqual(["web-1", "sort"]);
    expect(choices("sort", { ...sources, contexts: ["files"] })[0]?.line).toBe("sort");
  });
});

describe("the line of the palette", () => {
  /** Makes a palette over a text, with a record of its actions. */
  function palette({ containers = [] as KnownContainer[] } = {}) {
    const done: string[] = [];
    let question: PromptRequest | undefined;
    const view = {
      contexts: ["viewer", "out"],
      title: "/log",
      takes: (text: string) => /^\d/.test(text),
      command: (text: string) => done.push(`go ${text}`),
    } as unknown as View;
    const navigator = {
      command: (name: string, argument: string) => done.push(`${name} ${argument}`),
      containers: async () => containers,
    } as unknown as Navigator;
    const host = { ask: (asked: PromptRequest) => (question = asked), say: (text: string) => done.push(text) };
    new Commands({
      host: host as never,
      keymap: KEYMAP,
      view: () => view,
      act: (_, action) => done.push(action),
      showTab: (index) => index === 0,
      navigator: async () => navigator,
    }).ask();
    if (!question) throw new Error("nothing was asked");
    let changes = 0;
    const prompt = new PromptLine(question, ["follow", "123"], KEYMAP, () => changes++);
    const press = (...keys: string[]) => keys.map((key) => prompt.take({ kind: "key", key })).at(-1);
    const settled = async () => {
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    };
    return { prompt, press, done, settled, changes: () => changes };
  }

  it.each([
    ["123", "go 123"],
    ["open web:/srv", "open web:/srv"],
    ["tabopen  a b ", "tabopen a b"],
    ["tab 9", "no such tab: '9'"],
    ["tab 1", undefined],
    ["quit", "quit"],
    [" follow ", "follow"],
    ["foll", "follow"],
    ["line num", "line-numbers"],
  ])("runs the meaning of '%s' on Enter", async (text, expected) => {
    const { press, done, settled } = palette();
    expect(press(...text, "enter")).toBe(true);
    await settled();
    expect(done).toEqual(expected === undefined ? [] : [expected]);
  });

  it("keeps an invalid line, with the reason", () => {
    const { prompt, press, done } = palette();
    expect(press(..."zzqx", "enter")).toBe(false);
    expect([prompt.text, prompt.hint, done]).toEqual(["zzqx", "no command 'zzqx' here", []]);
    press("ctrl-u");
    expect(press("enter")).toBe(true);
    expect(done).toEqual([]);
  });

  it("inserts a command that needs an argument into the line", () => {
    const { prompt, press } = palette();
    expect(press(..."tabo", "enter")).toBe(false);
    expect(prompt.text).toBe("tabopen ");
    expect(prompt.hint).toMatch(/new tab/);
  });

  it("selects with Down and Up, and goes from the first entry to the history", () => {
    const { prompt, press, done } = palette();
    expect(prompt.choices?.at).toBeUndefined();
    press("down", "down");
    expect(prompt.choices?.at).toBe(1);
    press("up", "up");
    expect(prompt.choices?.at).toBeUndefined();
    press("up");
    expect(prompt.text).toBe("follow");
    press("up");
    expect(prompt.text).toBe("123");
    press("down", "down");
    expect(prompt.text).toBe("");
    press("down");
    expect(prompt.choices?.at).toBe(0);
    expect(press("enter")).toBe(true);
    expect(done).toEqual(["search"]);
  });

  it("adds the containers when they arrive, and keeps the chosen entry", async () => {
    const opened: string[] = [];
    const found = palette({ containers: [container("follower", () => void opened.push("follower"))] });
    const { prompt, press, settled, changes } = found;
    press(..."follow", "down");
    const chosen = () => prompt.choices?.all[prompt.choices.at ?? -1]?.line;
    const before = chosen();
    await settled();
    expect(changes()).toBe(1);
    expect(chosen()).toBe(before);
    press(..."er");
    expect(press("enter")).toBe(true);
    expect(opened).toEqual(["follower"]);
  });
});

describe("the palette on the screen", () => {
  const entries = (count: number, change: Partial<Choice> = {}): Choice[] =>
    Array.from({ length: count }, (_, index) => ({
      name: `entry-${index}`,
      detail: "does it",
      key: "^K",
      matched: [0],
      line: String(index),
      take: () => undefined,
      ...change,
    }));
  const draw = (all: readonly Choice[], at: number | undefined, body: { columns: number; height: number }) => {
    const state = paletteState({ all, at }, body);
    if (!state) return undefined;
    const { lastFrame, stdout } = render(<PaletteOverlay state={state} theme={DEFAULT_THEME} />);
    Object.defineProperty(stdout, "columns", { value: body.columns });
    return (lastFrame() ?? "").split("\n");
  };

  it("says that no entry matches, where the list would be", () => {
    const rows = draw([], undefined, { columns: 40, height: 20 })?.map(plain);
    expect(rows?.map((row) => row.replaceAll("─", "").trim())).toEqual([
      "╭ Palette ╮",
      "│   no entry matches                   │",
      "╰╯",
    ]);
    expect(choices("logs", { contexts: ["containers", "list"] })[0]?.name).toBe("output");
  });

  it.each([
    { columns: 80, height: 21 },
    { columns: 120, height: 33 },
    { columns: 200, height: 47 },
    { columns: 20, height: 4 },
  ])("fits a body of $columns x $height, with the chosen entry in sight", (body) => {
    for (const at of [undefined, 0, 15, 39]) {
      const rows = draw(entries(40), at, body) ?? [];
      expect(rows.length).toBeLessThanOrEqual(body.height);
      const widths = new Set(rows.map((row) => plain(row).length));
      expect(widths).toEqual(new Set([Math.min(100, body.columns)]));
      if (body.columns > 20) expect(rows.map(plain).join("\n")).toContain(`entry-${at ?? 0} `);
    }
  });

  it("is hidden without room", () => {
    expect(draw(entries(4), 0, { columns: 80, height: 2 })).toBeUndefined();
  });

  it("shows the name, the description, and the key at the right end", () => {
    const [title, row] = draw(entries(1), 0, { columns: 60, height: 20 }) ?? [];
    expect(plain(title ?? "")).toMatch(/^╭─ Palette ─+╮$/);
    expect(plain(row ?? "")).toMatch(/^│ entry-0 {2}does it +\^K │$/);
  });

  it.each(HOSTILE)("escapes $name in names and details", ({ bytes }) => {
    const text = bytes.toString("utf8");
    const rows = draw(entries(2, { name: text, detail: text }), 1, { columns: 60, height: 20 }) ?? [];
    expect(rows.length).toBe(4);
    for (const row of rows) {
      expect(plain(row)).not.toMatch(CONTROL);
    }
  });
});
