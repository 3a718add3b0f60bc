import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { expect, inject, test } from "vitest";
import { repository } from "../helpers/paths.ts";

const agent = `${repository}agent/`;
const sources = readdirSync(agent).filter((name) => name.endsWith(".c"));

/**
 * Returns the files of the agent in the order of agent/README.md: a file calls only files below it.
 */
function ladder(): string[] {
  const rows = readFileSync(`${agent}README.md`, "utf8").matchAll(/^\| `(\w+\.c)` \|/gm);
  return Array.from(rows, ([, name = ""]) => name);
}

/**
 * Compiles every file separately and reads its symbols (nm(1)).
 * @returns for each file, the functions that it defines and the names that it requires from other
 * files
 */
function symbols(): Map<string, { defined: string[]; undefined: string[] }> {
  const directory = mkdtempSync(`${inject("machine").directory}/objects-`);
  const options = ["-std=c11", "-D_GNU_SOURCE", '-DBUILD_NAME="x"', "-c"];
  execFileSync("cc", [...options, ...sources.map((name) => agent + name)], { cwd: directory });
  const objects = sources.map((name) => name.replace(/c$/, "o"));
  const lines = execFileSync("nm", ["-P", "-A", ...objects], { cwd: directory, encoding: "utf8" }).split("\n");
  const named = lines.map((line) => line.split(/:? /));
  return new Map(
    sources.map((name, index) => {
      const own = named.filter(([object]) => object === objects[index]);
      const of = (wanted: string) => own.filter(([, , type]) => type === wanted).map(([, symbol = ""]) => symbol);
      return [name, { defined: of("T"), undefined: of("U") }];
    }),
  );
}

/** Returns every call from one file into another: "caller.c callee.c function". */
function calls(): { from: string; to: string; name: string }[] {
  const files = symbols();
  const home = new Map(Array.from(files, ([file, { defined }]) => defined.map((name) => [name, file] as const)).flat());
  return Array.from(files).flatMap(([from, { undefined: names }]) =>
    names.flatMap((name) => {
      const to = home.get(name);
      return to ? [{ from, to, name }] : [];
    }),
  );
}

test("agent/README.md lists every source file of the agent once", () => {
  expect(ladder().sort()).toEqual([...sources].sort());
});

test("a source file of the agent calls only files that agent/README.md lists below it", () => {
  const height = new Map(ladder().map((name, index) => [name, index]));
  const all = calls();
  // serve.c runs the session: without this call the symbols were not read.
  expect(all).toContainEqual({ from: "serve.c", to: "session.c", name: "run_session" });
  const upward = all.filter(({ from, to }) => (height.get(from) ?? 0) >= (height.get(to) ?? 0));
  expect(upward.map(({ from, to, name }) => `${from} calls ${name} of ${to}`)).toEqual([]);
});
