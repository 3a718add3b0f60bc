import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../descriptors/fixtures.ts";
import { builtCommand } from "../helpers/paths.ts";

const text = Array.from({ length: 20_000 }, (_, line) => `line ${line}\n`).join("");

function cat(...args: string[]) {
  return spawnSync(process.execPath, [builtCommand, "cat", ...args], { encoding: "latin1", maxBuffer: 2 ** 26 });
}

test("cat prints a compressed file unchanged, and its text with --decompress", () => {
  const path = `${temporaryDirectory()}/log.gz`;
  const whole = gzipSync(text);
  writeFileSync(path, whole);
  expect(cat(path).stdout).toBe(whole.toString("latin1"));
  expect(cat("--decompress", path)).toMatchObject({ status: 0, stdout: text, stderr: "" });
});

test("cat --decompress prints other files unchanged, and reports truncated data in one line", () => {
  const directory = temporaryDirectory();
  writeFileSync(`${directory}/plain`, text);
  writeFileSync(`${directory}/cut.gz`, gzipSync(text).subarray(0, 5000));
  const { status, stdout, stderr } = cat("--decompress", `${directory}/cut.gz`, `${directory}/plain`);
  expect(status).not.toBe(0);
  expect(stdout.endsWith(text)).toBe(true);
  expect(stderr).toMatch(/^porthole: [^\n]*cut\.gz: cannot decompress: the compressed data is truncated\n$/);
});
