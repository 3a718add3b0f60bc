import { describe, expect, test } from "vitest";
import { argumentsOf, combinedStatus, locateOperands, segmentsOf, splitEngine } from "../../cli/elsewhere/segments.ts";

describe("the engine of an operand", () => {
  test.each([
    ["far!web:/log", { engine: "far", rest: "web:/log" }],
    ["far!shop/web:/log", { engine: "far", rest: "shop/web:/log" }],
    ["far.example!*:@logs", { engine: "far.example", rest: "*:@logs" }],
    ["far!web[!0-9]:/log", { engine: "far", rest: "web[!0-9]:/log" }],
    ["far!image:nginx:1.25:/etc", { engine: "far", rest: "image:nginx:1.25:/etc" }],
  ])("%s", (text, expected) => {
    expect(splitEngine(text, "cat")).toEqual(expected);
  });

  test.each([
    "web:/log",
    "web:/a!b:c",
    "./far!web:/log",
    "/far!web:/log",
    "hello!",
    "a!b",
    "web[!0-9]:/log",
    "!web:/log",
  ])("%s names no engine", (text) => {
    expect(splitEngine(text, "cat")).toBeUndefined();
  });
});

test("ps and other commands take containers of an engine without a path", () => {
  expect(splitEngine("far!web", "ps")).toEqual({ engine: "far", rest: "web" });
  expect(splitEngine("far!web", "cat")).toBeUndefined();
});

describe("a command line over several engines", () => {
  test("is divided into runs of consecutive operands of one engine, each with the options of all", () => {
    const args = ["head", "-n", "3", "far!a:/x", "far!b:/x", "c:/x", "far!d:/x"];
    const all = locateOperands(args, args.slice(3), "head");
    const segments = segmentsOf(all);
    expect(segments.map(({ engine }) => engine)).toEqual(["far", undefined, "far"]);
    expect(segments.map((segment) => argumentsOf(args, all, segment))).toEqual([
      ["head", "-n", "3", "a:/x", "b:/x"],
      ["head", "-n", "3", "c:/x"],
      ["head", "-n", "3", "d:/x"],
    ]);
  });

  test("keeps an option's value that equals an operand", () => {
    const args = ["grep", "-e", "far!a:/x", "far!a:/x"];
    const all = locateOperands(args, ["far!a:/x"], "grep");
    expect(argumentsOf(args, all, { engine: "far", operands: all })).toEqual(["grep", "-e", "far!a:/x", "a:/x"]);
  });

  test("keeps the expression of find after the operands", () => {
    const args = ["find", "far!a:/x", "b:/x", "-name", "b:/x"];
    const all = locateOperands(args, ["far!a:/x", "b:/x"], "find");
    expect(segmentsOf(all).map((segment) => argumentsOf(args, all, segment))).toEqual([
      ["find", "a:/x", "-name", "b:/x"],
      ["find", "b:/x", "-name", "b:/x"],
    ]);
  });

  test.each([
    ["cat", [0, 3, 1], 3],
    ["cat", [0, 0], 0],
    ["grep", [0, 1], 0],
    ["grep", [1, 1], 1],
    ["grep", [0, 2], 2],
    ["grep", [0, 5, 1], 5],
  ])("%s with the statuses %j ends with %i", (command, statuses, expected) => {
    expect(combinedStatus(command, statuses)).toBe(expected);
  });
});
