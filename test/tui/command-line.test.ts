import { expect, it } from "vitest";
import { commandNames, parseBeginning, parseCommand } from "../../cli/tui/keymap/command-line.ts";

it("splits a line into a name and the rest", () => {
  expect(parseCommand("open web:/var/log/a b.log ")).toEqual({ name: "open", argument: "web:/var/log/a b.log" });
  expect(parseCommand("  quit")).toEqual({ name: "quit", argument: "" });
  expect(parseCommand("")).toEqual({ name: "", argument: "" });
});

it.each([
  ["", { before: "", command: undefined, begun: "" }],
  ["  op", { before: "  ", command: undefined, begun: "op" }],
  ["  open   web:/a b", { before: "  open   ", command: "open", begun: "web:/a b" }],
  ["open ", { before: "open ", command: "open", begun: "" }],
])("keeps the blanks of '%s' before the completed part", (text, beginning) => {
  expect(parseBeginning(text)).toEqual(beginning);
});

it("lists names with the prefix, each once and in order", () => {
  expect(commandNames("open", ["files", "list"])).toEqual(["open", "open-files", "open-in-tab"]);
  expect(commandNames("zz", ["files"])).toEqual([]);
});
