import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import fc from "fast-check";
import { afterAll, describe, expect, it, test } from "vitest";
import { HexDump } from "../../src/text/rows/hex-dump.ts";
import { describeWith } from "../helpers/availability.ts";
import { user } from "../helpers/porthole.ts";

const directory = mkdtempSync(`${tmpdir()}/porthole-hexdump-`);
afterAll(() => rmSync(directory, { recursive: true }));
const someone = user();

function host(args: string[], env: Record<string, string> = {}): string {
  const { stdout, error } = spawnSync("hexdump", args, {
    encoding: "latin1",
    env: { ...process.env, LC_ALL: "C", ...env },
  });
  if (error) throw error;
  return stdout;
}

/** Bytes with repeated lines. Some lines differ by one byte. */
const someBytes = fc
  .array(
    fc.oneof(
      fc.constantFrom(Buffer.alloc(16), Buffer.alloc(48), Buffer.alloc(64, "ab"), Buffer.from("0123456789abcdef")),
      fc.uint8Array({ maxLength: 20 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Buffer.concat(parts));

describeWith("hexdump", "porthole hexdump shows bytes as hexdump -C does", () => {
  const file = `${directory}/file`;

  it("for any chunks of the bytes", () => {
    const pieces = fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(someBytes, fc.boolean(), pieces, (bytes, squeezes, sizes) => {
        writeFileSync(file, bytes);
        const dump = new HexDump({ squeezes });
        let text = "";
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          text += dump.push(bytes.subarray(at, at + size));
          at += size;
        }
        text += dump.end();
        expect(text).toBe(host(["-C", ...(squeezes ? [] : ["-v"]), file]));
      }),
      { numRuns: 150 },
    );
  });

  const sparse = `${directory}/sparse`;
  writeFileSync(sparse, "begin");
  truncateSync(sparse, 20_000_003);
  const fd = openSync(sparse, "r+");
  writeSync(fd, "in the middle", 7_654_321);
  writeSync(fd, "\0".repeat(5000), 12_000_000);
  writeSync(fd, "end", 20_000_000);
  closeSync(fd);
  const random = `${directory}/random`;
  writeFileSync(random, Buffer.from(Array.from({ length: 1000 }, (_, n) => (n * n * 31) % 256)));

  test.for([
    [random],
    ["-C", random],
    ["-s", "5", random],
    ["-C", "-s", "0x10", "-n", "33", random],
    ["-n", "0", random],
    ["-s", "1000", random],
    ["-s", "1K", "-C", random],
    ["-n", "1KB", "-C", random],
    ["-s", "010", "-n", "1", random],
    ["-C", sparse],
    ["-C", "-s", "3", sparse],
    ["-s", "7654300", "-n", "100", sparse],
    ["-s", "1M", "-n", "11999999", "-C", sparse],
    ["-C", "-n", "100", "/dev/zero"],
    ["-C", "-s", "1G", "-n", "20", "/dev/zero"],
    ["/proc/version"],
    ["-C", "/dev/null"],
  ])("porthole hexdump %j", async (args) => {
    const { stdout, code, stderr } = await someone.run(["hexdump", ...args]);
    expect({ code, stderr, text: stdout.toString("latin1") }).toEqual({
      code: 0,
      stderr: "",
      text: host(args.includes("-C") ? args : ["-C", ...args]),
    });
  });
});

describe("porthole hexdump", () => {
  it("skips a hole of a tebibyte at once", async () => {
    const huge = `${directory}/huge`;
    writeFileSync(huge, "begin");
    truncateSync(huge, 2 ** 40);
    const { text, code } = await someone.run(["hexdump", "-C", huge]);
    expect(code).toBe(0);
    expect(text).toBe(
      "00000000  62 65 67 69 6e 00 00 00  00 00 00 00 00 00 00 00  |begin...........|\n" +
        "00000010  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n*\n10000000000\n",
    );
  });

  it("reads the given number of random bytes, and skips by reading if the file cannot seek", async () => {
    const { text } = await someone.run(["hexdump", "-v", "-n", "160", "/dev/urandom"]);
    expect(text.split("\n")).toHaveLength(12);
    const shell = ["sh", "-c", 'mkfifo "$0"; printf 0123456789 > "$0" & exec "$@"', `${directory}/fifo`];
    const skipped = await someone.run(["hexdump", "--consume", "-C", "-s", "4", "-n", "3", `${directory}/fifo`], {
      before: shell,
    });
    expect(skipped.text).toBe(`00000004  34 35 36${" ".repeat(42)}|456|\n00000007\n`);
  });

  it.each([
    [["-n", "x", "/etc/hostname"], 2, "Use a number of bytes, such as 512, 0x200 or 4K."],
    [["-s", "089", "/etc/hostname"], 2, "Use a number of bytes, such as 512, 0x200 or 4K."],
    [["-s", "99E", "/etc/hostname"], 2, "No file can have this size."],
    [["/"], 1, "cannot read /: Is a directory"],
    [["/nowhere/x"], 1, "/nowhere/x: No such file or directory"],
  ])("refuses %j in one line", async (args, status, words) => {
    const { code, stderr, text } = await someone.run(["hexdump", ...args]);
    expect({ code, text }).toEqual({ code: status, text: "" });
    expect(stderr).toMatch(/^porthole: .*\n$/);
    expect(stderr).toContain(words);
  });

  it("widens its offsets for large positions", () => {
    const dump = new HexDump({ offset: 2 ** 33 });
    expect(dump.push(Buffer.from("ELF")) + dump.end()).toBe(`200000000  45 4c 46${" ".repeat(42)}|ELF|\n200000003\n`);
  });
});
