import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { layout } from "../../src/protocol/messages.ts";
import { builtAgent } from "../helpers/paths.ts";

test("the agent and the host use the same constants", () => {
  const printed = execFileSync(builtAgent, ["--layout"], { encoding: "utf8" });
  expect(printed.trimEnd().split("\n")).toEqual(layout());
});
