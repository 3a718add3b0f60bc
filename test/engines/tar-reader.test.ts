import { spawnSync } from "node:child_process";
import { linkSync, mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type TarEntry, TarReader } from "../../src/engines/layers/tar-reader.ts";
import { tarArchive } from "../../src/routes/agents/tar.ts";
import { pathBytes, pathText } from "../../src/target.ts";
import { temporaryDirectory } from "../descriptors/fixtures.ts";

type Member = TarEntry & { content: string };

/** Reads an archive in chunks of the given sizes, repeated in a cycle. */
function read(archive: Buffer, sizes: readonly number[]): { members: Member[]; isComplete: boolean } {
  const reader = new TarReader();
  const members: Member[] = [];
  for (let at = 0, turn = 0; at < archive.length; turn++) {
    const piece = archive.subarray(at, at + (sizes[turn % sizes.length] ?? 1));
    for (const part of reader.read(piece)) {
      const last = members.at(-1);
      if ("entry" in part) members.push({ ...part.entry, content: "" });
      else if (last !== undefined) last.content += part.content.toString("latin1");
    }
    at += piece.length;
  }
  return { members, isComplete: reader.isComplete };
}

const longName = "n".repeat(200);
const notUtf8 = pathText(Buffer.from([0x66, 0xff, 0x80]));

/** Builds an archive with GNU tar, with names and links that do not fit into a plain header. */
function archive(format: "ustar" | "pax" | "gnu"): Buffer {
  const directory = temporaryDirectory();
  mkdirSync(`${directory}/d`, { mode: 0o750 });
  writeFileSync(`${directory}/d/file`, "content\n", { mode: 0o640 });
  utimesSync(`${directory}/d/file`, 1_700_000_000.25, 1_700_000_000.25);
  linkSync(`${directory}/d/file`, `${directory}/d/hard`);
  symlinkSync("../elsewhere", `${directory}/d/link`);
  if (format !== "ustar") {
    writeFileSync(`${directory}/d/${longName}`, "long");
    symlinkSync(`/${longName}`, `${directory}/d/longlink`);
  }
  writeFileSync(Buffer.concat([Buffer.from(`${directory}/d/`), pathBytes(notUtf8)]), "bytes");
  const { stdout, status } = spawnSync("tar", ["-C", directory, `--format=${format}`, "--sort=name", "-c", "d"]);
  expect(status).toBe(0);
  return stdout;
}

describe("the members of a tar archive", () => {
  test.each(["ustar", "pax", "gnu"] as const)("are read from an archive in the format %s", (format) => {
    const { members, isComplete } = read(archive(format), [65_536]);
    const named = (path: string) => members.find((member) => member.path === path);
    expect(isComplete).toBe(true);
    expect(named("d/")?.mode).toBe(0o040750);
    expect(named("d/file")).toMatchObject({ mode: 0o100640, size: 8, content: "content\n", link: "", sameAs: "" });
    expect(named("d/file")?.mtime).toBe(1_700_000_000_000_000_000n + (format === "pax" ? 250_000_000n : 0n));
    expect(named("d/hard")).toMatchObject({ sameAs: "d/file", size: 0, content: "" });
    expect(named("d/link")).toMatchObject({ mode: 0o120777, link: "../elsewhere", size: 0 });
    expect(named(`d/${notUtf8}`)?.content).toBe("bytes");
    if (format === "ustar") return;
    expect(named(`d/${longName}`)?.content).toBe("long");
    expect(named("d/longlink")?.link).toBe(`/${longName}`);
  });

  test("are the same for chunks of any size", () => {
    const whole = archive("pax");
    const expected = read(whole, [whole.length]);
    const sizes = fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 1, maxLength: 20 });
    const property = fc.property(sizes, (pieces) => {
      expect(read(whole, pieces)).toEqual(expected);
    });
    fc.assert(property, { numRuns: 50 });
  });

  test("are incomplete without the end of the archive", () => {
    expect(read(archive("pax").subarray(0, 2048), [512]).isComplete).toBe(false);
  });

  test("have sizes above the octal digits of a header", () => {
    const directory = temporaryDirectory();
    writeFileSync(`${directory}/big`, "");
    truncateSync(`${directory}/big`, 9 * 1024 ** 3);
    const command = 'set -o pipefail; tar --format="$0" -C "$1" -c big | head -c 4096';
    for (const format of ["pax", "gnu"]) {
      const { stdout } = spawnSync("bash", ["-c", command, format, directory]);
      expect(read(stdout, [4096]).members[0]).toMatchObject({ path: "big", size: 9 * 1024 ** 3 });
    }
  });

  test.each([
    ["a byte of a header was changed", (bytes: Buffer) => bytes.writeUInt8(1, 120), /wrong checksum/],
    ["it is not an archive", (bytes: Buffer) => bytes.fill("x"), /checksum|octal/],
  ])("are refused if %s", (_what, change, message) => {
    const bytes = tarArchive("file", Buffer.from("content"));
    change(bytes);
    expect(() => read(bytes, [512])).toThrow(message);
  });

  test("never crash the reader: any bytes are read or refused as an invalid archive", () => {
    const valid = archive("pax");
    const changes = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 20 });
    const property = fc.property(changes, (all) => {
      const bytes = Buffer.from(valid);
      for (const [at, value] of all) bytes[at] = value;
      try {
        read(bytes, [1_000]);
      } catch (error) {
        expect(error).toMatchObject({ name: "PortholeError", code: "TARGET" });
      }
    });
    fc.assert(property, { numRuns: 300 });
  });
});
