import { readdirSync, renameSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { errorText } from "../../cli/io/fail.ts";
import { PortholeError } from "../../src/errors.ts";

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("an error that Node reports", () => {
  test("is worded like porthole's own errors", () => {
    expect(errorText(thrownBy(() => readdirSync("/no/it's")))).toEqual({
      message: "scandir /no/it's failed: no such file or directory",
      hint: undefined,
    });
    expect(errorText(thrownBy(() => renameSync("/no/a", "/no/b")))).toMatchObject({
      message: "rename /no/a failed: no such file or directory",
    });
  });

  test("about a limit of open files names only the limit and the remedy", () => {
    const error = Object.assign(new Error("EMFILE: too many open files, open '/x'"), { code: "EMFILE" });
    const limit = { message: "too many open files", hint: "raise ulimit -n" };
    expect(errorText(error)).toEqual(limit);
    const because = new PortholeError("TARGET", "no engine", { hint: "start it", cause: error });
    expect([errorText(because), because.hint]).toEqual([limit, "raise ulimit -n"]);
    const inSystem = new PortholeError("FILE", "cannot open x", { errno: "ENFILE" });
    expect(errorText(inSystem)).toEqual({
      message: "too many open files on this machine",
      hint: "raise fs.file-max with sysctl",
    });
  });

  test("keeps porthole's own messages unchanged", () => {
    const own = new PortholeError("FILE", "ENOENT: a name, open 'x'", { errno: "ENOENT", hint: "look" });
    expect(errorText(own)).toEqual({ message: "ENOENT: a name, open 'x'", hint: "look" });
    expect(errorText("text")).toEqual({ message: "text", hint: undefined });
  });
});
