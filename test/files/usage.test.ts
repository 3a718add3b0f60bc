import { linkSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { PortholeError } from "../../src/errors.ts";
import { UsageCounter } from "../../src/files/usage.ts";
import { LocalSession } from "../../src/sessions/local/local-session.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync("/tmp/porthole-usage-");
  for (const name of ["a", "b", "c"]) {
    writeFileSync(`${directory}/${name}`, "x".repeat(1000));
    linkSync(`${directory}/${name}`, `${directory}/${name}-again`);
  }
});
afterEach(() => rmSync(directory, { recursive: true }));

test("a file with several names counts once", async () => {
  const usage = await new UsageCounter(new LocalSession()).of(directory);
  expect([usage.files, usage.size]).toEqual([3, 3000n]);
});

test("beyond the limit each name counts, and one message reports that", async () => {
  const said: PortholeError[] = [];
  const usage = await new UsageCounter(new LocalSession(), 2).of(directory, (error) => said.push(error));
  // The directory is one of the two names. The order of the directory determines the other.
  expect([usage.files, usage.size]).toEqual([5, 5000n]);
  expect(said.map(({ message, errno }) => [message, errno])).toEqual([
    ["more than 2 files with several names: counting each name from here on", "E2BIG"],
  ]);
  await expect(new UsageCounter(new LocalSession(), 2).of(directory)).rejects.toMatchObject({ errno: "E2BIG" });
});
