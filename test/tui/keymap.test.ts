import { expect, it } from "vitest";
import { actionFor, KEYMAP, keyLabel } from "../../cli/tui/keymap.ts";

it("gives each key one action, and each action a line of help", () => {
  const keys = KEYMAP.flatMap(({ keys }) => keys);
  expect(new Set(keys).size).toBe(keys.length);
  for (const { action, keys, help } of KEYMAP) {
    expect(help).not.toBe("");
    for (const key of keys) expect(actionFor(key)).toBe(action);
  }
  expect(actionFor("x")).toBeUndefined();
});

it("fits its help into 80x24", () => {
  expect(KEYMAP.length + 2).toBeLessThanOrEqual(22);
  for (const { keys, help } of KEYMAP) {
    expect(keys.slice(0, 3).map(keyLabel).join(" ").length).toBeLessThan(18);
    expect(help.length).toBeLessThan(56);
  }
});

it("writes keys as people do", () => {
  expect([" ", "ctrl-c", "pageup", "G", "escape"].map(keyLabel)).toEqual(["Space", "^C", "PgUp", "G", "Esc"]);
});
