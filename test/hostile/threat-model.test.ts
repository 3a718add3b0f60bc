import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { repository } from "../helpers/paths.ts";

const text = readFileSync(`${repository}docs/threat-model.md`, "utf8");
const links = [...text.matchAll(/\[([^\]]+)\]\(\.\.\/(test\/[^)]+)\)/g)].map(([, title = "", path = ""]) => ({
  title: title.replace(/\s+/g, " "),
  path,
}));

test("the threat model links tests", () => {
  expect(links.length).toBeGreaterThan(40);
});

test.each(links)("the linked test exists: $path, $title", ({ title, path }) => {
  expect(existsSync(repository + path)).toBe(true);
  expect(readFileSync(repository + path, "utf8").includes(title)).toBe(true);
});

test("every promise links a test", () => {
  const promises = text.slice(text.indexOf("## What we promise"), text.indexOf("## What we do not promise"));
  const rows = promises.split("\n").filter((line) => /^\| (?!promise|-)/.test(line));
  expect(rows.length).toBeGreaterThan(25);
  for (const row of rows) expect(row).toMatch(/\]\(\.\.\/test\//);
});
