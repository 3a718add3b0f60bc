import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { repository } from "../helpers/paths.ts";

// The whole of it packs and runs tests, this one among them: CONTRIBUTING.md says how to try it.
test.each([[[]], [["1.2"]], [["v1.2.3"]], [["1.2.3", "--force"]]])("a release of %j is refused in one line", (args) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [`${repository}scripts/release.mjs`, ...args], {
    encoding: "utf8",
  });
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toBe("release: usage: npm run release -- VERSION [--yes]   (VERSION as in 1.2.3)\n");
});
