import { expect, it } from "vitest";
import { promptHints } from "../../cli/tui/app/prompt/prompt-hints.ts";
import { keyHints } from "../../cli/tui/keymap/hints.ts";
import { type Context, KEYMAP } from "../../cli/tui/keymap/keymap.ts";
import { helpHints } from "../../cli/tui/ui/help.ts";
import type { PromptRequest } from "../../cli/tui/view/view.ts";

const words = (hints: readonly { key: string; text: string }[]) => hints.map(({ key, text }) => `${key} ${text}`);

function prompt(question: Partial<PromptRequest>, hasHistory = false): string[] {
  const full = { label: "/", enter: "search", done: () => undefined, ...question };
  return words(promptHints({ question: full, hasHistory }, KEYMAP).here);
}

it("a prompt shows what its keys do, and only those that do something", () => {
  const erasing = ["^U erase to start", "^W erase a word"];
  expect(prompt({})).toEqual(["Enter search", "Esc cancel", ...erasing]);
  expect(prompt({ enter: "filter", escape: "show all" })).toEqual(["Enter filter", "Esc show all", ...erasing]);
  expect(prompt({ complete: async () => [] }, true)).toEqual([
    ...["Enter search", "Esc cancel", "Tab complete", "Up previous line"],
    ...erasing,
  ]);
  expect(prompt({ enter: "choose", choices: () => [] }, true)).toEqual([
    ...["Enter choose", "Esc cancel", "Down next entry"],
    ...erasing,
  ]);
});

it.each([
  ["containers", "list"],
  ["files", "out", "list"],
  ["found", "list"],
  ["sandboxes", "list"],
] as Context[][])("an empty list of %s offers no key that needs an item", (...contexts) => {
  const shown = (lacks?: "selection" | "items") => words(keyHints(contexts, KEYMAP, { lacks }).here);
  expect(shown()).toContain("Enter open");
  for (const lacks of ["selection", "items"] as const) {
    expect(shown(lacks).join("  ")).not.toMatch(/open|mark|output|its directory|tab|pipe|run|editor|mounts/);
    expect(shown(lacks).includes("/ filter")).toBe(lacks === "selection");
  }
  expect(words(keyHints(contexts, KEYMAP, { lacks: "items" }).everywhere)).toContain("q back");
});

it.each([
  [
    ["viewer", "out"],
    ["Space next page", "b previous page", "Esc close"],
  ],
  [
    ["files", "out", "list"],
    ["PgDn next page", "PgUp previous page", "Esc close"],
  ],
] as [Context[], string[]][])("the help over %j shows its own keys", (contexts, expected) => {
  expect(words(helpHints(contexts, 2).here)).toEqual(expected);
  expect(words(helpHints(contexts, 1).here)).toEqual(["Esc close"]);
});
