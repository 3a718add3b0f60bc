import { expect, it } from "vitest";
import { actionFor, CONTEXT_NAMES, type Context, KEYMAP, keyLabel } from "../../cli/tui/keymap/keymap.ts";
import { HELP_KEYS_WIDTH, helpAction, helpPage, helpWidth } from "../../cli/tui/ui/help.ts";

const contexts = Object.keys(KEYMAP) as Context[];

it.each(contexts)("gives each key of '%s' one action, and each action a line of help", (context) => {
  const keys = KEYMAP[context].flatMap(({ keys }) => keys);
  expect(new Set(keys).size).toBe(keys.length);
  expect(CONTEXT_NAMES[context]).not.toBe("");
  for (const { action, keys, help } of KEYMAP[context]) {
    expect(help).not.toBe("");
    for (const key of keys) expect(actionFor(key, [context])).toBe(action);
  }
});

it("resolves a key in the narrowest context, and falls back to the global one", () => {
  expect(actionFor("j", ["viewer"])).toBe("line-down");
  expect(actionFor("q", ["viewer"])).toBe("back");
  expect(actionFor("q", [])).toBe("back");
  expect(actionFor("j", [])).toBeUndefined();
});

it.each(contexts.filter((context) => !["global", "out", "list", "prompt"].includes(context)))(
  "turns the help by Space and b, as its last line says, in '%s'",
  (context) => {
    const held: Context[] = context === "viewer" ? ["viewer", "out"] : [context, "list"];
    const turned = (key: string) => {
      const action = actionFor(key, held);
      return action && helpAction(1, action);
    };
    expect(turned(" ")).toEqual({ page: 2, isTaken: true });
    expect(turned("b")).toEqual({ page: 0, isTaken: true });
  },
);

/** Actions that have the same meaning in two views. */
const SYNONYMS: Readonly<Record<string, string>> = {
  "item-down": "line-down",
  "item-up": "line-up",
  "items-page-down": "page-down",
  "items-page-up": "page-up",
  "first-item": "start",
  "last-item": "end",
  "show-in-files": "files-here",
  // Both control whether items of a rarely needed kind are shown.
  "toggle-hidden": "toggle-stopped",
  "follow-marked": "follow",
  // Updates the display from its source.
  refresh: "redraw",
  // Finds items or lines that contain the typed words.
  filter: "search",
  // Both move left, in a line or in the tree of directories.
  parent: "left",
  open: "right",
};

/** Keys with a second meaning, and the reason. docs/screen.md lists them. */
const EXCEPTIONS: readonly { key: string; context: Context; action: string; reason: string }[] = [
  { key: "f", context: "viewer", action: "page-down", reason: "less" },
  { key: "h", context: "viewer", action: "help", reason: "less" },
  { key: "p", context: "viewer", action: "percent", reason: "less" },
  { key: "s", context: "viewer", action: "save", reason: "less" },
  { key: "enter", context: "viewer", action: "line-down", reason: "less" },
  { key: "ctrl-d", context: "viewer", action: "half-page-down", reason: "less" },
  { key: "ctrl-u", context: "viewer", action: "half-page-up", reason: "less" },
  { key: " ", context: "files", action: "mark", reason: "file managers mark with Space" },
  { key: " ", context: "containers", action: "mark", reason: "as in files" },
];

it("gives a key one meaning in every view, except for the listed keys", () => {
  const isException = (key: string, context: Context, action: string) =>
    EXCEPTIONS.some((one) => one.key === key && one.context === context && one.action === action);
  const meanings = new Map<string, Set<string>>();
  for (const context of contexts.filter((one) => one !== "prompt"))
    for (const { action, keys } of KEYMAP[context])
      for (const key of keys)
        if (!isException(key, context, action))
          meanings.set(key, (meanings.get(key) ?? new Set()).add(SYNONYMS[action] ?? action));
  const several = [...meanings].filter(([, actions]) => actions.size > 1);
  expect(several.map(([key, actions]) => [key, ...actions])).toEqual([]);
});

it.each(EXCEPTIONS)("lists '$key' of '$context' as an exception because it has another meaning", (exception) => {
  const { key, context, action } = exception;
  expect(actionFor(key, [context])).toBe(action);
  const elsewhere = contexts.filter((one) => one !== "prompt" && one !== context);
  const others = elsewhere.flatMap((one) => KEYMAP[one].flatMap((row) => (row.keys.includes(key) ? row.action : [])));
  expect(others.filter((other) => (SYNONYMS[other] ?? other) !== action)).not.toEqual([]);
});

it("pages a list by Space and b, except where Space marks items", () => {
  expect(actionFor(" ", ["mounts", "list"])).toBe("items-page-down");
  expect(actionFor("b", ["mounts", "list"])).toBe("items-page-up");
  expect(actionFor(" ", ["files", "out", "list"])).toBe("mark");
  expect(actionFor(" ", ["containers", "list"])).toBe("mark");
});

it.each([80, 120, 200])("fits every line of the help into its columns on a screen of %d", (columns) => {
  const size = { columns, height: 1000 };
  for (const context of contexts) {
    const page = helpPage([context], size, 0);
    expect(helpWidth(page)).toBeLessThanOrEqual(columns);
    for (const { keys, text } of page.columns.flat()) {
      expect(keys.length).toBeLessThan(HELP_KEYS_WIDTH);
      expect(text.length).toBeLessThanOrEqual(page.width - HELP_KEYS_WIDTH);
    }
  }
});

it("divides the help into pages that fit the screen, without omissions", () => {
  for (const size of [
    { columns: 80, height: 22 },
    { columns: 200, height: 48 },
    { columns: 20, height: 3 },
  ]) {
    const { pages } = helpPage(["viewer"], size, 0);
    const shown = Array.from({ length: pages }, (_, page) => helpPage(["viewer"], size, page).columns).flat();
    for (const lines of shown) expect(lines.length).toBeLessThanOrEqual(Math.max(1, size.height - 2));
    // The name of a context is above some of its keys.
    if (size.height > 3) for (const lines of shown.slice(0, -1)) expect(lines.at(-1)?.keys).not.toBe("");
    const texts = shown.flat().map(({ text }) => text);
    for (const { help } of [...KEYMAP.viewer, ...KEYMAP.global]) expect(texts).toContain(help);
    expect(helpPage(["viewer"], size, 1000).page).toBe(pages - 1);
  }
});

it("divides a help of one page into columns of about the same height", () => {
  const { columns, pages } = helpPage(["containers", "list"], { columns: 200, height: 47 }, 0);
  const heights = columns.map((lines) => lines.length);
  expect(pages).toBe(1);
  expect(heights.length).toBeGreaterThan(1);
  expect(Math.max(...heights) - Math.min(...heights)).toBeLessThanOrEqual(heights.length);
});

it("formats keys in the usual notation", () => {
  expect([" ", "ctrl-c", "pageup", "G", "escape", "alt-v", "alt-left", "f1"].map(keyLabel)).toEqual([
    ...["Space", "^C", "PgUp", "G", "Esc", "Alt-v", "Alt-Left", "F1"],
  ]);
});
