import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from "vitest";
import { compareNames, compileGlob, escapeGlob, expandGlob } from "../../src/files/index.ts";
import { connect } from "../../src/sessions/index.ts";
import { pathBytes, pathText } from "../../src/target.ts";

describe("compileGlob", () => {
  test("agrees with the shell's case on random patterns and words", () => {
    const letters = fc.constantFrom(..."ab*?[]!^-\\.é/");
    const words = fc.string({ unit: letters, maxLength: 8 });
    const pairs = fc
      .sample(fc.tuple(words, words), { numRuns: 20_000, seed: 7 })
      // Exclude an invalid set and a final backslash: shells differ for them, and POSIX leaves them
      // undefined.
      .filter(([pattern]) => !/\[[^\]]*$|\\$|\[[!^]*\]|\[[^\]]*[\\[-]/.test(pattern));
    const script = `while IFS= read -r p && IFS= read -r t; do case $t in ($p) echo 1;; (*) echo 0;; esac; done`;
    const { stdout } = spawnSync("bash", ["-c", script], {
      input: pairs
        .flat()
        .map((line) => `${line}\n`)
        .join(""),
      encoding: "utf8",
      env: { ...process.env, LC_ALL: "C.UTF-8" },
      maxBuffer: 1 << 24,
    });
    const shell = stdout.trimEnd().split("\n");
    expect(shell).toHaveLength(pairs.length);
    expect(shell.filter((one) => one === "1").length).toBeGreaterThan(100);
    const differing = pairs.filter(([pattern, text], i) => compileGlob(pattern)(text) !== (shell[i] === "1"));
    expect(differing).toEqual([]);
  });

  test.each([
    ["*", ".hidden", false],
    ["?hidden", ".hidden", false],
    ["[.]hidden", ".hidden", false],
    [".*", ".hidden", true],
    ["\\.*", ".hidden", true],
    ["[[:digit:][:upper:]]", "7", true],
    ["[[:digit:][:upper:]]", "Q", true],
    ["[[:digit:][:upper:]]", "q", false],
    ["[]]", "]", true],
    ["[!]]", "]", false],
    ["[a-cx-z]", "y", true],
    ["[a-cx-z]", "d", false],
    ["[a\\-c]", "b", false],
    ["[a\\-c]", "-", true],
    ["a[b", "a[b", true],
    ["a\\", "a\\", true],
    ["\\*", "x", false],
    ["?", "\udcff", true],
    ["[!a]", "\udcff", true],
    ["?", "😀", true],
  ])("matches %s with %s exactly if the shell does", (pattern, text, expected) => {
    expect(compileGlob(pattern, { period: true })(text)).toBe(expected);
  });

  test("matches a pattern of many stars in bounded time", () => {
    expect(compileGlob("*a".repeat(60))(`${"a".repeat(3000)}b`)).toBe(false);
  });

  test("matches an escaped text literally", () => {
    const text = fc.string({ unit: fc.constantFrom(..."ab*?[]!\\.") });
    fc.assert(fc.property(text, text, (a, b) => compileGlob(escapeGlob(a))(b) === (a === b)));
  });
});

test("a path keeps its bytes if the second surrogate of a character looks like an invalid byte", () => {
  const bytes = Buffer.concat([Buffer.from("💀"), Buffer.of(0xff)]);
  expect(pathBytes(pathText(bytes))).toEqual(bytes);
});

test("compareNames orders names by their bytes", () => {
  const names = fc.uint8Array({ maxLength: 6 }).map(pathText);
  fc.assert(
    fc.property(names, names, (a, b) => {
      expect(Math.sign(compareNames(a, b))).toBe(Buffer.compare(pathBytes(a), pathBytes(b)));
    }),
  );
});

describe("expandGlob", () => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync(`${inject("machine").directory}/glob-`);
    for (const directory of ["a/b/c", ".h/x", "a/.i", "z"]) mkdirSync(`${root}/${directory}`, { recursive: true });
    const files = [
      "1.log",
      "10.log",
      "2.log",
      ".0.log",
      "é.log",
      "a/4.log",
      "a/b/5.log",
      "a/b/c/6.log",
      ".h/x/7.log",
      "z*",
      "\udcff.log",
    ];
    for (const file of files) writeFileSync(pathBytes(`${root}/${file}`), "");
    symlinkSync(".", `${root}/loop`);
    symlinkSync("a", `${root}/to-a`);
    symlinkSync("nowhere", `${root}/broken.log`);
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  async function expand(pattern: string): Promise<string[]> {
    await using session = await connect("/");
    const found: string[] = [];
    for await (const path of expandGlob(session, `${root}/${pattern}`)) found.push(path.slice(root.length + 1));
    return found;
  }

  // bash sorts by locale and dash by bytes, but neither sorts within each directory with `**`.
  // Therefore compare sets, and check the order separately.
  test.each([
    "*",
    "*.log",
    "?.log",
    "[!1]*",
    ".*",
    "*/",
    "*/*",
    "*/b/*",
    "a/*/../*",
    "to-a/*.log",
    "**/*.log",
    "**/b/**/*.log",
    "a/**/c/*",
    "**/",
    "to-a/**/5*",
    "*/.i",
    "./*.log",
    "a/b/c/*/nothing",
    "z\\*",
    "**/a/**/*.log",
    "1.log/*",
  ])("%s matches the same names as in bash", async (pattern) => {
    const script = `shopt -s globstar nullglob; cd "$1"; for f in ${pattern}; do printf '%s\\0' "$f"; done`;
    const { stdout } = spawnSync("bash", ["-c", script, "bash", root], { env: { ...process.env, LC_ALL: "C.UTF-8" } });
    const shell = pathText(stdout)
      .split("\0")
      .filter((name) => name !== "" && name !== "." && name !== "..");
    // bash includes `.` and `..`, and the directory itself for `**`.
    const expected = [...new Set(shell)].sort(compareNames);
    expect((await expand(pattern)).sort(compareNames)).toEqual(expected);
  });

  test("sorts by bytes within a directory, and lists all of a directory before the next directory", async () => {
    expect(await expand("*.log")).toEqual(["1.log", "10.log", "2.log", "broken.log", "é.log", "\udcff.log"]);
    expect(await expand("a/**")).toEqual(["a/4.log", "a/b", "a/b/5.log", "a/b/c", "a/b/c/6.log"]);
  });

  test("a name that is the pattern itself is one of its matches, and hides no other", async () => {
    const [file, directory] = ["*.log", "a/[b]"];
    writeFileSync(`${root}/${file}`, "");
    mkdirSync(`${root}/${directory}`);
    writeFileSync(`${root}/${directory}/5.log`, "");
    for (const path of [file, directory]) onTestFinished(() => rmSync(`${root}/${path}`, { recursive: true }));
    expect(await expand("*.log")).toEqual(["*.log", "1.log", "10.log", "2.log", "broken.log", "é.log", "\udcff.log"]);
    expect(await expand("\\*.log")).toEqual(["*.log"]);
    expect(await expand("a/[b]/*.log")).toEqual(["a/[b]/5.log", "a/b/5.log"]);
    expect(await expand("a/\\[b\\]/*.log")).toEqual(["a/[b]/5.log"]);
  });

  test("a quoted name and the same name with its backslashes do not hide each other", async () => {
    writeFileSync(`${root}/dev-x2d`, "");
    expect(await expand("dev-\\x2d")).toEqual(["dev-x2d"]);
    writeFileSync(`${root}/dev-\\x2d`, "");
    expect(await expand("dev-\\x2d")).toEqual(["dev-\\x2d", "dev-x2d"]);
    rmSync(`${root}/dev-x2d`);
    expect(await expand("dev-\\x2d")).toEqual(["dev-\\x2d"]);
    rmSync(`${root}/dev-\\x2d`);
  });

  test("lists only the directories that a pattern needs, each once", async () => {
    await using session = await connect("/");
    const listed: string[] = [];
    const watched = {
      stat: session.stat.bind(session),
      list: (path: string) => {
        listed.push(path.slice(root.length));
        return session.list(path);
      },
    };
    const all = async (pattern: string) => {
      listed.length = 0;
      for await (const _ of expandGlob(watched, `${root}/${pattern}`));
      return [...listed];
    };
    expect(await all("a/b/*.log")).toEqual(["/a/b"]);
    expect(await all("*/b/5.log")).toEqual([""]);
    expect(await all("**/b/**/*.log")).toEqual(["", "/a", "/a/b", "/a/b/c", "/z"]);
  });

  test("reports a directory that cannot be listed", async () => {
    const errors: string[] = [];
    await using session = await connect("/");
    const failing = {
      stat: session.stat.bind(session),
      list: (path: string) => session.list(path.endsWith("/z") ? `${root}/${"n".repeat(300)}` : path),
    };
    for await (const _ of expandGlob(failing, `${root}/*/*`, {
      unreadable: (error) => errors.push(error.errno ?? ""),
    }));
    expect(errors).toEqual(["ENAMETOOLONG"]);
  });
});
