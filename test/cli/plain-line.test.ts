import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { expectedAt, expectedOperand, OF_TARGETS } from "../../cli/completion/expected.ts";
import { program } from "../../cli/program/index.ts";
import { user } from "../helpers/porthole.ts";

/** Runs the command, and returns the packs that it has read: see scripts/build/loader.cjs. */
async function packsOf(...args: string[]): Promise<string[]> {
  const { directory, run } = user();
  const [preload, list] = [`${directory}/packs.cjs`, `${directory}/packs`];
  writeFileSync(list, "");
  writeFileSync(preload, notePacks(list));
  expect(await run(args, { env: { NODE_OPTIONS: `--require ${preload}` } })).toMatchObject({ stderr: "" });
  return readFileSync(list, "utf8").split("\n").filter(Boolean);
}

/** Returns code that appends the name of each pack that is read to a file. */
function notePacks(list: string): string {
  return `
    const fs = require("node:fs");
    const { openSync, readFileSync } = fs;
    const opened = new Map();
    fs.openSync = (path, ...rest) => {
      const fd = openSync(path, ...rest);
      opened.set(fd, path);
      return fd;
    };
    fs.readFileSync = (file, ...rest) => {
      const path = String(opened.get(file) ?? file);
      const pack = /\\/(pack(?:-[a-z]+)?)\\.js$/.exec(path)?.[1];
      if (pack !== undefined) fs.appendFileSync(${JSON.stringify(list)}, pack + "\\n");
      return readFileSync(file, ...rest);
    };`;
}

// Commander and the definitions of the commands take as long as a tenth of a small cat.
test.each([
  ["a cat without options", ["cat", "/etc/passwd"], ["pack-plain"]],
  ["a cat with an option", ["cat", "--idle", "60", "/etc/passwd"], ["pack-cat"]],
  ["a grep with options of ripgrep", ["grep", "-n", "root", "/etc/passwd"], ["pack-grep"]],
  ["a grep with an option of porthole", ["grep", "--raw", "root", "/etc/passwd"], ["pack-grep", "pack-cat"]],
  ["the completion of a local file", ["__complete", "zsh", "--", "cat", "/etc/pass"], ["pack-complete"]],
  ["the completion of an option", ["__complete", "zsh", "--", "cat", "--"], ["pack-define"]],
])("%s reads only its own code", async (_, args, packs) => {
  expect(await packsOf(...args)).toEqual(packs);
});

test.each([...OF_TARGETS])("%s: the last word is completed as its definition says", (command) => {
  const lines = [[command, ""], [command, "web:/"], ...(command === "open" ? [] : [[command, "one:/", "web:/"]])];
  for (const line of lines) expect(expectedOperand(line)).toEqual(expectedAt(program("0"), line));
});

test.each([
  { line: [] },
  { line: ["cat"] },
  { line: ["cat", "--"] },
  { line: ["cat", "--idle", ""] },
  { line: ["grep", "x", ""] },
  { line: ["open", "web:/", ""] },
])("the definitions decide what completes $line", ({ line }) => {
  expect(expectedOperand(line)).toBeUndefined();
});

test("PORTHOLE_IDLE is checked without options, too", async () => {
  const { run } = user();
  const { code, stderr } = await run(["cat", "/etc/passwd"], { env: { PORTHOLE_IDLE: "never" } });
  expect(code).toBe(2);
  expect(stderr).toContain("PORTHOLE_IDLE");
});

test.each([
  ["open", "missing required argument 'target'"],
  ["browse a b", "too many arguments for 'browse'. Expected 1 argument but got 2."],
])("%s is wrong usage before any engine is looked up", async (line, message) => {
  const { code, stderr } = await user().run(line.split(" "), { env: { DOCKER_HOST: "none://x" } });
  expect({ code, stderr }).toEqual({ code: 2, stderr: `porthole: ${message}\n` });
});
