import { describe, expect, test } from "vitest";
import {
  hasDirectory,
  hasPlaceholder,
  substitute,
  substituteDirectory,
  withoutPlaceholders,
} from "../../cli/with/placeholders.ts";

const paths = ["/a", "/b"];

describe("placeholders", () => {
  test.each([
    [["{}"], ["/a", "/b"]],
    [
      ["-u", "{2}", "{1}"],
      ["-u", "/b", "/a"],
    ],
    [["file:{1}?mode=ro"], ["file:/a?mode=ro"]],
    [
      ["--file={}", "x"],
      ["--file=/a", "--file=/b", "x"],
    ],
    [["{1}:{2}"], ["/a:/b"]],
    [["{1}:{}"], ["/a:/a", "/a:/b"]],
    [["@{1}"], ["@/a"]],
  ])("%j", (args, filled) => {
    expect(hasPlaceholder(args)).toBe(true);
    expect(substitute(args, paths)).toEqual(filled);
  });

  test.each([[".a // {}"], ["a{2}"], ["a{1,3}"], ["x{}"], ["{ }"], ["{a}"], ["{}+.a"], ["f(){ :; }"], ["{12345}"]])(
    "braces of the command stay unchanged: %s",
    (arg) => {
      expect(hasPlaceholder([arg])).toBe(false);
      expect(substitute([arg], paths)).toEqual([arg]);
    },
  );

  test("a number without a file is an error as a whole argument, and stays unchanged inside one", () => {
    expect(() => substitute(["{3}"], paths)).toThrow("no file for '{3}' in the command: it has 2 files");
    expect(() => substitute(["{0}"], ["/a"])).toThrow("no file for '{0}' in the command: it has 1 file");
    expect(substitute(["={7}"], paths)).toEqual(["={7}"]);
  });

  test("any path is inserted unchanged", () => {
    expect(substitute(["{1}", "{}"], ["$&{2}", "{1}"])).toEqual(["$&{2}", "$&{2}", "{1}"]);
  });

  test("{dir} is replaced by the directory", () => {
    expect(hasDirectory(["-C", "{dir}"])).toBe(true);
    expect(hasDirectory(["x{dir}"])).toBe(false);
    expect(substituteDirectory(["{dir}/web", "--root={dir}", "a{dir}"], "/t$&")).toEqual([
      "/t$&/web",
      "--root=/t$&",
      "a{dir}",
    ]);
  });

  test("a command without placeholders is converted to the command for standard input", () => {
    expect(withoutPlaceholders(["less", "+F", "{}"])).toEqual(["less", "+F"]);
    expect(withoutPlaceholders(["x", "--file={}"])).toBeUndefined();
  });
});
