import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect, onTestFinished, test } from "vitest";
import { repository } from "../helpers/paths.ts";

const lock = JSON.parse(readFileSync(`${repository}package-lock.json`, "utf8")) as {
  packages: Record<string, { version: string }>;
};
const version = lock.packages["node_modules/koffi"]?.version ?? "";
const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);

function audit(...advisories: unknown[]): { status: number | null; stdout: string } {
  const directory = mkdtempSync(`${tmpdir()}/porthole-audit-`);
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(`${directory}/advisories.json`, JSON.stringify(advisories));
  const args = [`${repository}scripts/audit.mjs`, `${directory}/advisories.json`];
  return spawnSync(process.execPath, args, { encoding: "utf8" });
}

function advisory(events: Record<string, string>[], name = "koffi"): unknown {
  const affected = [{ package: { ecosystem: "npm", name }, ranges: [{ type: "SEMVER", events }] }];
  return { id: "TEST-1", summary: "reads too much", affected };
}

test.each([
  ["introduced at 0", [{ introduced: "0" }], 1],
  ["introduced at the installed version", [{ introduced: version }], 1],
  ["introduced later", [{ introduced: `${major}.${minor}.${patch + 1}` }], 0],
  ["fixed at the installed version", [{ introduced: "0" }, { fixed: version }], 0],
  ["fixed later", [{ introduced: "0" }, { fixed: `${major}.${minor + 1}.0` }], 1],
  ["fixed in a release candidate of the installed version", [{ introduced: "0" }, { fixed: `${version}-rc.10` }], 0],
  ["last affected before a release candidate", [{ introduced: "0" }, { last_affected: `${version}-rc.2` }], 0],
  ["last affected at the installed version", [{ introduced: "0" }, { last_affected: version }], 1],
  ["fixed, and introduced again", [{ introduced: "0" }, { fixed: "0.1.0" }, { introduced: "0.2.0" }], 1],
])("the audit decides by the range of an advisory: %s", (_, events, status) => {
  const { status: actual, stdout } = audit(advisory(events));
  expect(actual).toBe(status);
  expect(stdout.includes(`koffi ${version}: TEST-1`)).toBe(status === 1);
});

test("the audit finds a listed version, and no package of another name or ecosystem", () => {
  const listed = { id: "A", affected: [{ package: { ecosystem: "npm", name: "koffi" }, versions: [version] }] };
  const foreign = { id: "B", affected: [{ package: { ecosystem: "PyPI", name: "koffi" }, versions: [version] }] };
  expect(audit(listed).stdout).toContain(`koffi ${version}: A: no summary`);
  expect(audit(foreign, advisory([{ introduced: "0" }], "koff")).status).toBe(0);
});

test("the audit refuses invalid JSON, and a missing file, in one line", () => {
  const result = spawnSync(process.execPath, [`${repository}scripts/audit.mjs`, "/nowhere"], { encoding: "utf8" });
  expect([result.status, result.stderr]).toEqual([
    2,
    "audit: /nowhere: ENOENT: no such file or directory, open '/nowhere' (JSON in the OSV format is needed)\n",
  ]);
});
