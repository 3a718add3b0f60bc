import { expect, it } from "vitest";
import { actionNamed, commandNames, parseBeginning, parseCommand } from "../../cli/tui/keymap/command-line.ts";
import { type Context, KEYMAP } from "../../cli/tui/keymap/keymap.ts";

it("takes a line apart into a name and all behind it", () => {
  expect(parseCommand("open web:/var/log/a b.log ")).toEqual({ name: "open", argument: "web:/var/log/a b.log" });
  expect(parseCommand("  quit")).toEqual({ name: "quit", argument: "" });
  expect(parseCommand("")).toEqual({ name: "", argument: "" });
});

it.each([
  ["", { before: "", command: undefined, begun: "" }],
  ["  op", { before: "  ", command: undefined, begun: "op" }],
  ["  open   web:/a b", { before: "  open   ", command: "open", begun: "web:/a b" }],
  ["open ", { before: "open ", command: "open", begun: "" }],
])("keeps the blanks of '%s' in front of what is completed", (text, beginning) => {
  expect(parseBeginning(text)).toEqual(beginning);
});

it("knows every action of the table by its name, where its keys hold", () => {
  for (const context of Object.keys(KEYMAP) as Context[])
    for (const { action } of KEYMAP[context]) expect(actionNamed(action, [context])).toBe(action);
  expect(actionNamed("sort", ["viewer"])).toBeUndefined();
  expect(actionNamed("quit", ["viewer"])).toBe("quit");
});

it("lists names that begin so, each once, in order", () => {
  expect(commandNames("open", ["files", "list"], ["open", "tabopen"])).toEqual(["open", "open-files", "open-in-tab"]);
  expect(commandNames("zz", ["files"], ["open"])).toEqual([]);
});
