import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { expect, inject, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { repository } from "../helpers/paths.ts";

// A complete release packs and runs the tests, including this one: CONTRIBUTING.md describes how to
// try it.
test.each([[[]], [["1.2"]], [["v1.2.3"]], [["1.2.3", "--force"]]])("a release of %j is refused in one line", (args) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [`${repository}scripts/release.mjs`, ...args], {
    encoding: "utf8",
  });
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toBe("release: usage: npm run release -- VERSION [--yes]   (VERSION as in 1.2.3)\n");
});

describeWith("git", "an impossible release", () => {
  test("reports all problems together and is refused, before any step is run", () => {
    const folder = mkdtempSync(`${inject("machine").directory}/release-`);
    const git = (...args: string[]) =>
      spawnSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], { cwd: folder });
    mkdirSync(`${folder}/scripts`);
    cpSync(`${repository}scripts/release.mjs`, `${folder}/scripts/release.mjs`);
    writeFileSync(`${folder}/package.json`, '{ "version": "0.2.0" }\n');
    // A release leaves the changelog in this state: the next heading has no entries.
    writeFileSync(`${folder}/CHANGELOG.md`, "# Changelog\n\n## Unreleased\n\n## 0.2.0 (2026-01-31)\n\n- A line.\n");
    git("init", "--quiet");
    git("add", ".");
    git("commit", "--quiet", "--message", "Release 0.1.0");
    git("tag", "v0.1.0");
    writeFileSync(`${folder}/stray`, "");
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [`${folder}/scripts/release.mjs`, "0.1.0", "--yes"],
      {
        encoding: "utf8",
      },
    );
    expect([status, stdout, stderr.split("\n")]).toEqual([
      1,
      "",
      [
        "release: not ready for 0.1.0:",
        "  0.1.0 is older than 0.2.0",
        "  the tag v0.1.0 exists already",
        "  the work tree has changes: commit them first",
        "  CHANGELOG.md has no entries under Unreleased",
        "",
      ],
    ]);
  });
});
