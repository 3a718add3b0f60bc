import { expect, it } from "vitest";
import { mayTakeForEver, withDeadline } from "../../src/text/deadline.ts";

it("returns what the action does, throws what it throws, and ends what takes too long", () => {
  expect(withDeadline(() => 42)).toBe(42);
  expect(() =>
    withDeadline(() => {
      throw new TypeError("mine");
    }),
  ).toThrow("mine");
  expect(withDeadline(() => /^(a+)+$/.test(`${"a".repeat(60)}b`))).toBeUndefined();
  expect(withDeadline(() => "again")).toBe("again");
});

it("knows expressions that may take for ever from those that do not", () => {
  for (const pattern of ["(a+)+$", "(a|b)*c", "(x*)*", "((a))*", "(a)\\1", ".*a.*b.*c"])
    expect(mayTakeForEver(pattern), pattern).toBe(true);
  for (const pattern of ["ERROR", "a+b", "time(d )?out", "HTTP/1\\.[01]", "^\\d+ .*x$"])
    expect(mayTakeForEver(pattern), pattern).toBe(false);
});
