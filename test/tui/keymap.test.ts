import { expect, it } from "vitest";
import { actionFor, CONTEXT_NAMES, type Context, KEYMAP, keyLabel } from "../../cli/tui/keymap/keymap.ts";
import { LESS_KEYS } from "../../cli/tui/keymap/viewer.ts";
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

it("lets the narrowest context decide, and everywhere what no other has", () => {
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

/** What a key moves or leaves, whatever is shown: the same in another word. */
const ALIKE: Readonly<Record<string, string>> = {
  "item-down": "line-down",
  "item-up": "line-up",
  "items-page-down": "page-down",
  "items-page-up": "page-up",
  "first-item": "start",
  "last-item": "end",
  "show-in-files": "files-here",
  "toggle-hidden": "toggle-stopped",
  "follow-marked": "follow",
  refresh: "redraw",
  // Search and narrow: what is typed is looked for.
  filter: "search",
  // To what was before, and on.
  backward: "previous-problem",
  forward: "next-problem",
  // Hide a group: the containers of a project, the lines of a source.
  fold: "mute",
  "fold-all": "solo",
  // Out of what one is in, and into what is selected.
  parent: "left",
  open: "right",
};

it("gives a key one meaning in every view, except those of less in a text", () => {
  const meanings = new Map<string, Set<string>>();
  for (const context of contexts.filter((one) => one !== "prompt"))
    for (const { action, keys } of KEYMAP[context])
      for (const key of keys) {
        if (context === "viewer" && LESS_KEYS.includes(key)) continue;
        // Both views have a filter, on keys of their own.
        const meaning = key === "&" ? action : (ALIKE[action] ?? action);
        meanings.set(key, (meanings.get(key) ?? new Set()).add(meaning));
      }
  // Space marks a file, as in other file managers, and turns a page elsewhere.
  meanings.get(" ")?.delete("mark");
  const several = [...meanings].filter(([, actions]) => actions.size > 1);
  expect(several.map(([key, actions]) => [key, ...actions])).toEqual([]);
});

it("pages a list by Space and b, except where Space marks files", () => {
  expect(actionFor(" ", ["containers", "list"])).toBe("items-page-down");
  expect(actionFor("b", ["containers", "list"])).toBe("items-page-up");
  expect(actionFor(" ", ["files", "out", "list"])).toBe("mark");
});

it.each([80, 120, 200])("fits every line of help into its columns on a screen of %d", (columns) => {
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

it("cuts the help into pages, none too high and nothing left out", () => {
  for (const size of [
    { columns: 80, height: 22 },
    { columns: 200, height: 48 },
    { columns: 20, height: 3 },
  ]) {
    const { pages } = helpPage(["viewer"], size, 0);
    const shown = Array.from({ length: pages }, (_, page) => helpPage(["viewer"], size, page).columns).flat();
    for (const lines of shown) expect(lines.length).toBeLessThanOrEqual(Math.max(1, size.height - 2));
    // The name of where keys hold stands over some of them.
    if (size.height > 3) for (const lines of shown.slice(0, -1)) expect(lines.at(-1)?.keys).not.toBe("");
    const texts = shown.flat().map(({ text }) => text);
    for (const { help } of [...KEYMAP.viewer, ...KEYMAP.global]) expect(texts).toContain(help);
    expect(helpPage(["viewer"], size, 1000).page).toBe(pages - 1);
  }
});

it("writes keys as people do", () => {
  expect([" ", "ctrl-c", "pageup", "G", "escape", "alt-v", "alt-left", "f1"].map(keyLabel)).toEqual([
    ...["Space", "^C", "PgUp", "G", "Esc", "Alt-v", "Alt-Left", "F1"],
  ]);
});
