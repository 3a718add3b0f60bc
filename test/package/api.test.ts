import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { repository } from "../helpers/paths.ts";

const committed = readFileSync(`${repository}docs/api.md`, "utf8");

test("docs/api.md is what the declarations say", () => {
  const program = `
    const { apiDocs } = await import("./scripts/build/api-docs.mjs");
    const { library } = await import("./scripts/build/bundle.mjs");
    process.stdout.write(apiDocs("dist/types", library));`;
  const flags = ["--input-type=module", "-e", program];
  const fresh = execFileSync(process.execPath, flags, { cwd: repository, encoding: "utf8" });
  expect(committed === fresh, "docs/api.md is older than the doc comments: npm run docs").toBe(true);
});

test("every entry of package.json is in it, and everything that one exports has words of its own", () => {
  const { exports } = JSON.parse(readFileSync(`${repository}package.json`, "utf8"));
  const entries = Object.keys(exports).filter((entry) => entry !== "./package.json");
  expect([...committed.matchAll(/^## (\S+)/gm)].map(([, name]) => name)).toEqual(
    entries.map((entry) => entry.replace(/^\./, "porthole")),
  );
  const wordless = [...committed.matchAll(/^### (\w+)\n\n\n/gm)].map(([, name]) => name);
  expect(wordless).toEqual([]);
});
