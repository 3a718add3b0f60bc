import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { sandboxOfTests } from "../helpers/namespaces.ts";
import { repository } from "../helpers/paths.ts";
import { jsonLines, user } from "../helpers/porthole.ts";

const page = readFileSync(`${repository}docs/json.md`, "utf8");

/** Returns the fields in the page's tables from a heading to the next heading. */
function documented(heading: string): string[] {
  const start = page.indexOf(heading);
  if (start < 0) throw new Error(`docs/json.md has no ${heading}`);
  const section = page.slice(start, page.indexOf("\n## ", start + 1) >>> 0);
  const cells = [...section.matchAll(/^\| (`[^|]*) \|/gm)].map(([, cell]) => cell ?? "");
  return cells.flatMap((cell) => [...cell.matchAll(/`(\.?\w+)/g)].map(([, name]) => (name ?? "").replace(".", "")));
}

const someone = user();
const target = sandboxOfTests({ steps: ["tmpfs", "/tmp", "write", "/tmp/log", "10:00:00 x", "hold", "/tmp/log"] });

test.each([
  [["ls", "--json", "PLACE:/tmp"], ["## `ls --json`"]],
  [
    ["stat", "--json", "PLACE:/tmp/log"],
    ["## `ls --json`", "`stat --json` has in addition"],
  ],
  [["tail", "--json", "PLACE:/tmp/log"], ["## `tail --json`"]],
  [["ps", "--json", "--files", "PLACE"], ["## `ps --json`"]],
  [["agents", "--json"], ["## `agents --json`"]],
  [["doctor", "--json"], ["## `doctor --json`"]],
])("every field of porthole %j is in docs/json.md", async (args, headings) => {
  const known = new Set(headings.flatMap(documented));
  const words = args.map((word) => word.replace("PLACE", `pid:${target.pid}`));
  // Start an agent, so that the command lists it.
  if (args[0] === "agents") await someone.run(["cat", `pid:${target.pid}:/tmp/log`]);
  const { text, code } = await someone.run(words);
  const fields = jsonLines(text).flatMap((value) => fieldsOf(value));
  expect([code, fields.length > 0]).toEqual([0, true]);
  expect([...new Set(fields)].filter((field) => !known.has(field))).toEqual([]);
});

/** Returns names at any depth. `backing` is documented by its parts. */
function fieldsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(fieldsOf);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => (name === "backing" ? [] : [name, ...fieldsOf(inner)]));
}
