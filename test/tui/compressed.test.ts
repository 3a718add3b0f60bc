import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { numbered, screenOfTest } from "./screen.ts";

/** Compresses a text with the program zstd; undefined without the program. */
function zstd(text: string): Buffer | undefined {
  try {
    return execFileSync("zstd", ["-qc"], { input: text });
  } catch {
    return undefined;
  }
}

describeWith("tmux", "a compressed log", () => {
  const screen = screenOfTest();

  it("opens as the text of all its gzip members, for any name", async () => {
    const text = numbered(60_000);
    const half = text.length / 2;
    const path = screen.file("log", Buffer.concat([gzipSync(text.slice(0, half)), gzipSync(text.slice(half))]));
    await screen.open(path);
    await screen.waitFor("the first line", /^line 1 of the log$/m);
    screen.keys("G");
    await screen.waitFor("the end", /^line 60000 of the log$/m, /\bEND\b/);
    screen.enter("/line 31234 ");
    await screen.waitFor("nothing below", "not found below");
    screen.keys("N");
    await screen.waitFor("the match", (shown) => shown.split("\n")[1] === "line 31234 of the log");
  });

  it("shows the bytes of the file itself with --hex", async () => {
    await screen.open(screen.file("log.gz", gzipSync("hello")), "--hex");
    await screen.waitFor("gzip's first bytes", /^0+ +1f 8b 08/m);
  });

  it("shows the readable part of damaged data, and a row that reports the damage", async () => {
    const whole = gzipSync(numbered(5_000));
    await screen.open(screen.file("log.gz", whole.subarray(0, whole.length / 2)), "+G");
    await screen.waitFor("the row", /^── cannot decompress: the compressed data is truncated ─/m);
    screen.keys("g");
    await screen.waitFor("the first line", (shown) => shown.split("\n")[1] === "line 1 of the log");
  });

  it("fails in one line if no data can be decompressed", async () => {
    screen.run(`${process.execPath} ${(await import("../helpers/paths.ts")).builtCommand} open bad.gz`);
    screen.file("bad.gz", Buffer.concat([Buffer.of(0x1f, 0x8b, 8), Buffer.from("this is no gzip data at all")]));
    expect(await screen.waitForEnd()).not.toBe(0);
    expect(screen.text()).not.toContain("    at ");
  });

  it("stops at the limit of a decompression bomb, and a row reports that", async () => {
    // Expands to 100 MiB of zeros.
    const block = Buffer.alloc(10 * 1024 ** 2);
    const bomb = Buffer.concat(Array.from({ length: 10 }, () => gzipSync(block, { level: 9 })));
    await screen.open(screen.file("bomb.gz", bomb), "+G");
    await screen.waitFor("the row", /^── decompression stopped after [\d,]+ bytes/m);
  });

  const compressed = zstd(numbered(5_000));
  it.runIf(compressed)("opens zstd, and reports the missing program if Node cannot decompress it", async () => {
    const path = screen.file("log.zst", compressed ?? "");
    await screen.open(path, "+G");
    await screen.waitFor("the end", /^line 5000 of the log$/m);
    screen.keys("q");
    await screen.waitForEnd();
    if ("createZstdDecompress" in process.getBuiltinModule("node:zlib")) return;
    mkdirSync(`${screen.directory}/bin`);
    writeFileSync(`${screen.directory}/bin/node`, `#!/bin/sh\nexec ${process.execPath} "$@"\n`);
    chmodSync(`${screen.directory}/bin/node`, 0o755);
    const { builtCommand } = await import("../helpers/paths.ts");
    screen.run(`PATH=bin ${process.execPath} ${builtCommand} open log.zst 2>error`);
    expect(await screen.waitForEnd()).not.toBe(0);
    screen.run("cat error");
    await screen.waitFor("the reason", /Node 22\.15 or later, or\s+install the program zstd/);
  });
});
