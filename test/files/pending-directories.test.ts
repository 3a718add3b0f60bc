import { expect, test } from "vitest";
import { PendingDirectories } from "../../src/files/pending-directories.ts";

const numbered = (count: number, prefix = "n") => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

function rest(pending: PendingDirectories<string>): string[] {
  const found: string[] = [];
  for (let next = pending.shift(); next !== undefined; next = pending.shift())
    found.push(`${next.parent}/${next.name}`);
  return found;
}

test("pending directories are entered in the order of the walk, those of the last parent first", () => {
  for (const count of [0, 1, 511, 512, 513, 1024, 2000]) {
    const pending = new PendingDirectories<string>();
    pending.push("a", numbered(count));
    expect(pending.shift()?.name).toBe(count === 0 ? undefined : "n0");
    pending.push("b", ["\udcff", "é"]);
    pending.push("c", []);
    const expected = [
      "b/\udcff",
      "b/é",
      ...numbered(count)
        .slice(1)
        .map((name) => `a/${name}`),
    ];
    expect(pending.peek(2).map(({ parent, name }) => `${parent}/${name}`)).toEqual(expected.slice(0, 2));
    expect(rest(pending)).toEqual(expected);
    expect(pending.peek(8)).toEqual([]);
  }
});

test("pending directories beyond the limit are an error", () => {
  const pending = new PendingDirectories<string>(100);
  pending.push("a", ["x".repeat(60)]);
  expect(() => pending.push("b", ["y".repeat(30), "z".repeat(30), "1"])).toThrow(
    expect.objectContaining({ code: "FILE", errno: "E2BIG" }),
  );
  // A shorter later name is also omitted, although it would fit.
  expect(rest(pending).map((path) => path.length)).toEqual([32, 62]);
  pending.push("c", ["x".repeat(60)]);
  expect(rest(pending)).toHaveLength(1);
});
