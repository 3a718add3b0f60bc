import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterAll, describe, expect, it } from "vitest";
import { type FoundLine, FoundLines } from "../../cli/grep/found-lines.ts";
import { ripgrepPath } from "../../cli/grep/program-file.ts";

const directory = mkdtempSync(`${tmpdir()}/porthole-found-`);
afterAll(() => rmSync(directory, { recursive: true }));

/** Decodes ripgrep's output for these files in chunks of `size` bytes. */
function found(files: Readonly<Record<string, string | Buffer>>, pattern: string, size = 7): FoundLine[] {
  const all: FoundLine[] = [];
  const lines = new FoundLines((line) => all.push(line));
  rmSync(`${directory}/files`, { recursive: true, force: true });
  mkdirSync(`${directory}/files`);
  for (const [name, content] of Object.entries(files)) writeFileSync(`${directory}/files/${name}`, content);
  const args = ["--no-config", "--sort=path", ...lines.flags, `--regexp=${pattern}`, "files"];
  const output = execFileSync(ripgrepPath(), args, { cwd: directory });
  for (let at = 0; at < output.length; at += size) lines.push(output.subarray(at, at + size));
  return all;
}

const marked = ({ pieces }: FoundLine) => pieces.map(({ text, isMatch }) => (isMatch ? `<${text}>` : text)).join("");

describe("FoundLines", () => {
  it("decodes names, numbers, offsets and matches from output in chunks", () => {
    const files = { "a.log": "first\nan ERROR, one more ERROR\n", b: "\tERROR\n" };
    const all = found(files, "ERROR");
    expect(all.map(({ name, line, offset }) => [name, line, offset])).toEqual([
      ["files/a.log", 2, 6],
      ["files/b", 1, 0],
    ]);
    expect(all.map(marked)).toEqual(["an <ERROR>, one more <ERROR>", "<ERROR>"]);
    expect(all[0]?.head.toString()).toBe("an ERROR, one more ERROR");
    expect(found(files, "ERROR", 1)).toEqual(all);
  });

  it.each([
    ["a newline", "two\nlines"],
    ["what looks like a line of output", "x\n1:2:ERROR"],
    ["colours", "\x1b[0mred\x1b[0m"],
    ["ripgrep's words", 'a: binary file matches (found "x'],
  ])("separates a name with %s from the lines", (_, name) => {
    const all = found({ [name]: "ERROR\n", z: "ERROR\n" }, "ERROR");
    expect(all.map((one) => one.name.replaceAll("\x1b[0m", ""))).toEqual([
      `files/${name.replaceAll("\x1b[0m", "")}`,
      "files/z",
    ]);
  });

  it("treats no colours of a file as matches, and hides them", () => {
    const [line] = found({ log: "\x1b[0m\x1b[48;2;1;2;3mfake\x1b[0m \x1b[31mERROR\x1b[0m!\n" }, "ERROR");
    expect(line && marked(line)).toBe("fake <ERROR>!");
  });

  it("skips binary files", () => {
    const binary = Buffer.from(`ERROR\n${"x".repeat(100_000)}\n\0\n`);
    expect(found({ "a.bin": binary, b: "ERROR\n" }, "ERROR").map(({ name }) => name)).toContain("files/b");
  });

  it("keeps the part of a long line around its first match", () => {
    const [line] = found({ log: `${"a".repeat(2000)}ERROR${"b".repeat(2000)}\n` }, "ERROR", 4096);
    expect(line && marked(line)).toMatch(/^…a{60}<ERROR>b{300,400}$/);
    const [huge] = found({ log: `${"a".repeat(1_000_000)}ERROR\n` }, "ERROR", 65_536);
    expect(huge?.pieces[0]?.text.length).toBeLessThanOrEqual(400);
  });
});
