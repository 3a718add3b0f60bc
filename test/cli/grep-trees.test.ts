import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { colourCheck, colourSearch, linksReason } from "../../cli/grep/tree-flags.ts";
import { mkfifo } from "../../src/descriptors/files/file.ts";
import { describeAsRoot } from "../helpers/availability.ts";
import { type Sandbox, sandbox, sandboxOfTests } from "../helpers/namespaces.ts";
import { user } from "../helpers/porthole.ts";
import { ripgrep, withoutTimes } from "../helpers/ripgrep.ts";

/* Searches of directories: ripgrep walks them, unless porthole must open the files. */

const NONE = "none";
const NONE_OR_TIME = expect.stringMatching(/^(none|it takes longer than \d+ ms)$/);
const COLOURS_OR_TIME = expect.stringMatching(/^(a file has escape characters|it takes longer than \d+ ms)$/);

const flag = (name: string, value?: string) => ({ name, value });

describe("the options of a search", () => {
  test.each([
    [[flag("follow")], "--follow: trees follow no links"],
    [[flag("file", "-")], "the patterns come from standard input"],
    [[flag("regexp", "x"), flag("search-zip")], "--search-zip: it would run programs on the files"],
    [[flag("regexp", "x"), flag("file", "patterns"), flag("glob", "*.log")], undefined],
  ])("that need links are recognised: %j", (flags, reason) => {
    expect(linksReason(flags)).toBe(reason);
  });

  test.each([
    [[flag("regexp", "x"), flag("line-number"), flag("glob", "*.log")], "along"],
    [[flag("regexp", "x"), flag("json")], "along"],
    [[flag("regexp", "x"), flag("quiet")], "before"],
    [[flag("regexp", "x"), flag("word-regexp")], "before"],
    [[flag("regexp", "x"), flag("an option of a later ripgrep")], "before"],
  ])("decide how colour codes are found: %j", (flags, check) => {
    expect(colourCheck(flags, false)).toBe(check);
    expect(colourCheck(flags, true)).toBe("none");
  });

  test("that select files apply to the search for colour codes", () => {
    const names = colourSearch([flag("invert-match"), flag("glob", "*.log"), flag("text"), flag("max-count", "1")]);
    expect(names).toEqual([flag("quiet"), flag("glob", "*.log"), flag("text"), flag("regexp", "\x1b")]);
  });
});

describeAsRoot("porthole grep in directories", () => {
  const someone = user();
  let other: Sandbox;
  const at = (path: string) => `pid:${target.pid}:${path}`;

  const target = sandboxOfTests();
  beforeAll(async () => {
    other = await sandbox();
    for (const { root } of [target, other]) {
      mkdirSync(`${root}/srv/logs/deep`, { recursive: true });
      mkdirSync(`${root}/srv/.git`);
      writeFileSync(`${root}/srv/.gitignore`, "*.tmp\n");
      for (let file = 0; file < 50; file++) writeFileSync(`${root}/srv/logs/${file}`, `first\n${file} foo\nlast\n`);
      writeFileSync(`${root}/srv/logs/left.tmp`, "foo in an ignored file\n");
      writeFileSync(`${root}/srv/logs/deep/one`, "foo\nFOO foo\n");
      writeFileSync(`${root}/srv/logs/binary`, `foo\n${"\0".repeat(9)}\x1b[1m\n`);
      symlinkSync("logs", `${root}/srv/linked`);
    }
    mkdirSync(`${target.root}/coloured`);
    writeFileSync(`${target.root}/coloured/app`, "1 \x1b[31mERR\x1b[0mOR: disk\n2 ERROR: disk\n");
    mkdirSync(`${target.root}/coloured-latin-1`);
    writeFileSync(`${target.root}/coloured-latin-1/app`, Buffer.from("\xe9 ERR\x1b[0mOR: disk\n", "latin1"));
    mkdirSync(`${target.root}/planted`);
    writeFileSync(`${target.root}/planted/file`, "foo\n");
    mkfifo(`${target.root}/planted/.ignore`);
  });

  /** Runs a search. `reason` is the reason for links, if the search used them. */
  async function grep(...args: string[]): Promise<{ text: string; code: number | null; reason: string }> {
    const { text, code, stderr } = await someone.run(["grep", "--sort=path", ...args], {
      env: { PORTHOLE_DEBUG: "1" },
    });
    const [, reason] = /the search goes by links: (.*)/.exec(stderr) ?? [];
    // On a slow machine, only the time limit may be a reason.
    return { text, code, reason: reason ?? NONE };
  }

  test.for([
    ["foo"],
    ["-n", "-C1", "foo"],
    ["-c", "foo"],
    ["-l", "foo"],
    ["-q", "foo"],
    ["-v", "foo"],
    ["-w", "FOO"],
    ["-o", "-r", "<$0>", "[0-9]+ foo"],
    ["-F", "FOO foo"],
    ["--no-ignore", "foo"],
    ["-g", "!deep", "foo"],
    ["-m1", "foo"],
    ["--json", "foo"],
    ["nothing at all"],
  ])("walks trees with exactly the output of ripgrep: %j", async (args) => {
    const ours = await grep(...args, at("/srv"), `pid:${other.pid}:/srv/logs/`);
    const roots = [`pid:${target.pid}:`, `pid:${other.pid}:`];
    const links = [target, other].map(({ root }) => root);
    const all = ["--no-ignore-parent", "--sort=path", ...args, `${links[0]}/srv`, `${links[1]}/srv/logs/`];
    const run = ripgrep(all, "/");
    const theirs = links.reduce(
      (text, root, index) => text.replaceAll(root, roots[index] ?? ""),
      run.stdout.toString(),
    );
    const lines = (text: string) =>
      withoutTimes(text)
        .split("\n")
        .map((line) => line.replace(/"?bytes_printed"?:\d+/, ""));
    expect({ ...ours, text: lines(ours.text) }).toEqual({ text: lines(theirs), code: run.code, reason: NONE_OR_TIME });
  });

  test("uses links if a file has colour codes, and strips them", async () => {
    const text = `${at("/coloured/app")}:1 ERROR: disk\n${at("/coloured/app")}:2 ERROR: disk\n`;
    expect(await grep("ERROR: disk", at("/coloured"))).toEqual({
      text,
      code: 0,
      reason: COLOURS_OR_TIME,
    });
    const counted = await grep("-c", "ERROR: disk", at("/coloured"));
    expect(counted).toMatchObject({ text: `${at("/coloured/app")}:2\n`, reason: COLOURS_OR_TIME });
    for (const directory of ["/coloured", "/coloured-latin-1"])
      expect(await grep("--json", "ERROR: disk", at(directory))).toMatchObject({ code: 0, reason: COLOURS_OR_TIME });
    const raw = await grep("--raw", "-c", "ERROR: disk", at("/coloured"));
    expect(raw).toEqual({ text: `${at("/coloured/app")}:1\n`, code: 0, reason: NONE_OR_TIME });
  });

  test("reads patterns from a pipe once, and uses links for that", async () => {
    const pipe = `${someone.directory}/patterns`;
    mkfifo(pipe);
    const before = ["sh", "-c", `echo 'ERROR: disk' > ${pipe} & "$@"`, "sh"];
    const args = ["grep", "-c", "-f", pipe, at("/coloured")];
    const { text, code, stderr } = await someone.run(args, { before, env: { PORTHOLE_DEBUG: "1" } });
    expect({ text, code }).toEqual({ text: `${at("/coloured/app")}:2\n`, code: 0 });
    expect(stderr).toContain("can be read only once");
  });

  test("uses links for a name that contains a link, with -L, and together with single files", async () => {
    const file = at("/srv/logs/deep/one");
    expect((await grep("-l", "FOO", at("/srv/linked"))).reason).toContain("contains a link");
    expect((await grep("-lL", "FOO", at("/srv"))).reason).toContain("trees follow no links");
    const both = await grep("-l", "FOO", at("/srv/logs/deep"), file);
    expect(both).toEqual({ text: `${file}\n${file}\n`, code: 0, reason: "files are among the targets" });
  });

  test("uses links on a file system that does more than store files", async () => {
    const inside = await grep("-l", "Tgid", at("/proc/1"));
    expect(inside.reason).toMatch(/is on a file system of type proc$|longer than/);
    const above = await grep("--max-depth=1", "-l", "FOO", at("/"));
    expect(above.reason).toMatch(/has a mount of type \w+$|longer than/);
  });

  test("does not wait for a FIFO with the name of an ignore file", async () => {
    const { text, code, reason } = await grep("foo", at("/planted"));
    expect({ text, code }).toEqual({ text: `${at("/planted/file")}:foo\n`, code: 0 });
    expect(reason).toMatch(/^it takes longer than \d+ ms$/);
  });
});
