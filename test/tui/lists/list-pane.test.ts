import { expect, it } from "vitest";
import { DEFAULT_THEME } from "../../../cli/tui/canvas/theme.ts";
import { keyName } from "../../../cli/tui/keymap/hints.ts";
import { ListPane } from "../../../cli/tui/lists/list-pane.ts";
import type { Host, PromptRequest } from "../../../cli/tui/view/view.ts";

it("a list is filtered once for keys that arrive together", async () => {
  let question: PromptRequest | undefined;
  const ask = (asked: PromptRequest) => {
    question = asked;
  };
  let looks = 0;
  const moved = () => {
    looks++;
  };
  const options = { columns: [], theme: DEFAULT_THEME, empty: () => [], moved };
  const pane = new ListPane(options, { ask, changed: () => undefined, keyOf: keyName } as unknown as Host);
  pane.list.setItems(["a", "ab", "abc"].map((key) => ({ key, text: key })));
  pane.act("filter");
  for (const text of ["a", "ab", "abc"]) question?.changed?.(text);
  await new Promise((resolve) => setImmediate(resolve));
  expect([looks, pane.list.filter, pane.list.shown.length]).toEqual([1, "abc", 1]);
  question?.changed?.("a");
  question?.done("ab");
  await new Promise((resolve) => setImmediate(resolve));
  expect([looks, pane.list.filter, pane.list.shown.length]).toEqual([2, "ab", 2]);
});
