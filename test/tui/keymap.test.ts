import { expect, it } from "vitest";
import { actionFor, CONTEXT_NAMES, type Context, KEYMAP, keyLabel } from "../../cli/tui/keymap/keymap.ts";
import { HELP_KEYS_WIDTH, HELP_WIDTH, helpAction, helpPage } from "../../cli/tui/ui/help.ts";

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

it("pages a list by Space and b, except where Space marks files", () => {
  expect(actionFor(" ", ["containers", "list"])).toBe("items-page-down");
  expect(actionFor("b", ["containers", "list"])).toBe("items-page-up");
  expect(actionFor(" ", ["files", "out", "list"])).toBe("mark");
});

it("fits a line of help into its columns", () => {
  for (const { keys, help } of contexts.flatMap((context) => KEYMAP[context])) {
    expect(keys.slice(0, 3).map(keyLabel).join(" ").length).toBeLessThan(HELP_KEYS_WIDTH);
    expect(help.length).toBeLessThanOrEqual(HELP_WIDTH - HELP_KEYS_WIDTH);
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
    for (const lines of shown) expect(lines.length).toBeLessThanOrEqual(Math.max(1, size.height - 3));
    // The name of where keys hold stands over some of them.
    if (size.height > 4) for (const lines of shown.slice(0, -1)) expect(lines.at(-1)?.keys).not.toBe("");
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
