import { expect, it } from "vitest";
import { History } from "../../../cli/tui/browser/files/history.ts";

it("goes back and forward to the selection, and drops the forward history after a new step", () => {
  const history = new History("/");
  history.visit("/var", "var");
  history.visit("/var/log", "log");
  expect(history.back("app.log")).toEqual({ select: "log" });
  expect(history.path).toBe("/var");
  expect(history.back("log")).toEqual({ select: "var" });
  expect(history.back("var")).toBeUndefined();
  expect(history.forward("var")).toEqual({ select: "log" });
  history.visit("/var/lib", "lib");
  expect(history.forward("x")).toBeUndefined();
  expect(history.back("x")).toEqual({ select: "lib" });
});
