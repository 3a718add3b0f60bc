import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { tarArchive } from "../../src/routes/agents/tar.ts";
import { temporaryDirectory } from "../descriptors/fixtures.ts";

describe("an archive of one file", () => {
  test.each([0, 1, 511, 512, 513, 70_000])("of %i bytes is read correctly by tar(1)", (size) => {
    const content = Buffer.from(Array.from({ length: size }, (_, index) => index % 251));
    const archive = tarArchive("agent", content);
    expect(archive.length % 512).toBe(0);
    const listed = execFileSync("tar", ["--list", "--verbose", "--numeric-owner", "--utc", "--file=-"], {
      input: archive,
    });
    expect(listed.toString()).toMatch(new RegExp(`^-r-xr-xr-x 0/0 +${size} 1970-01-01 00:00 agent\\n$`));
    const directory = temporaryDirectory();
    execFileSync("tar", ["--extract", "--preserve-permissions", "--file=-", `--directory=${directory}`], {
      input: archive,
    });
    expect(readFileSync(`${directory}/agent`).equals(content)).toBe(true);
    expect(statSync(`${directory}/agent`).mode & 0o111).toBe(0o111);
  });

  test("is identical for the same bytes, so that it gives the same image", () => {
    expect(tarArchive("agent", Buffer.from("x")).equals(tarArchive("agent", Buffer.from("x")))).toBe(true);
  });
});
