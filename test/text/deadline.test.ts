import { Script } from "node:vm";
import { expect, it, vi } from "vitest";
import { mayBacktrack, withDeadline } from "../../src/text/scan/deadline.ts";
import { waitFor } from "../helpers/wait-for.ts";

/**
 * Returns the result of an action that takes no time. Repeats the action, because a busy machine
 * may delay this process beyond the deadline.
 */
const inTime = <T>(action: () => T) => waitFor("a turn without a delay", () => withDeadline({}, action));

it("withDeadline returns the action's result, throws its error, and aborts it at the timeout", async () => {
  expect(await inTime(() => 42)).toBe(42);
  await expect(
    inTime(() => {
      throw new TypeError("mine");
    }),
  ).rejects.toThrow("mine");
  expect(withDeadline({}, () => /^(a+)+$/.test(`${"a".repeat(60)}b`))).toBeUndefined();
  expect(await inTime(() => "again")).toBe("again");
});

it("withDeadline gives less time to an expression that was aborted, because each key may wait for it", () => {
  const run = vi.spyOn(Script.prototype, "runInThisContext");
  const [slow, other] = [{}, {}];
  const search = () => /^(a+)+$/.test(`${"a".repeat(60)}b`);
  for (const expression of [slow, slow, other]) withDeadline(expression, search);
  const timeouts = run.mock.calls.map(([options]) => Number((options as { timeout: number }).timeout));
  // On a busy machine an attempt is repeated, because this thread has not run.
  expect(timeouts.filter((timeout, index) => timeout !== timeouts[index - 1])).toEqual([8, 4, 8]);
  run.mockRestore();
});

it("mayBacktrack detects expressions that can backtrack without end", () => {
  for (const pattern of ["(a+)+$", "(a|b)*c", "(x*)*", "((a))*", "(a)\\1", ".*a.*b.*c"])
    expect(mayBacktrack(pattern), pattern).toBe(true);
  for (const pattern of ["ERROR", "a+b", "time(d )?out", "HTTP/1\\.[01]", "^\\d+ .*x$"])
    expect(mayBacktrack(pattern), pattern).toBe(false);
});
