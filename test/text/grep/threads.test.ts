import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { Scanner } from "../../../src/text/index.ts";
import { CHUNK } from "../../../src/text/search/chunks.ts";
import { repository } from "../../helpers/paths.ts";
import { descriptorCount } from "../../helpers/processes.ts";
import { waitFor } from "../../helpers/wait-for.ts";
import { numbered } from "./corpora.ts";
import { type Case, expectSame, search } from "./run.ts";

const directory = mkdtempSync(`${tmpdir()}/porthole-threads-`);
afterAll(() => rmSync(directory, { recursive: true }));
/** The worker as it is shipped. */
const worker = pathToFileURL(`${repository}dist/grep-worker.js`);

const log = numbered(500_000, 49_999);
const files: Record<string, string | Buffer> = {
  "a log": log,
  "a log that ends in a line without a newline": `${log}the last foo`,
  "exactly some chunks": Buffer.from(log).subarray(0, 2 * CHUNK),
  "a match in every line": numbered(350_000, 1),
  "matches beside the borders of chunks": `${"x".repeat(CHUNK - 4)}foo\nfoo\n${"y".repeat(CHUNK - 9)}foo\n${log}`,
  "a line longer than two chunks": `${log}${"z".repeat(2 * CHUNK + 5)} foo\n${log}`,
  "a line too long to be kept twice": `${log}${"z".repeat(4 * CHUNK + 5)} foo\n${log}${"z".repeat(4 * CHUNK + 5)}`,
  "UTF-8": log.replaceAll("line", "línea"),
  "a NUL in the middle": `${log.slice(0, 5_000_000)}\0${log.slice(5_000_000)}`,
  "a NUL that comes late": `${log}foo\0foo\n${log}`,
};

const cases: Case[] = [
  { rg: [], options: { lineNumber: true } },
  { rg: [], options: { count: true } },
  { rg: [], options: { context: 2, lineNumber: true } },
  { rg: [], options: { afterContext: 3 } },
  { rg: [], options: { beforeContext: 3000, lineNumber: true } },
  { rg: [], options: { maxCount: 4, lineNumber: true } },
  { rg: [], options: { onlyMatching: true, lineNumber: true } },
  { rg: [], options: { invertMatch: true, count: true } },
  { rg: [], options: { json: true } },
];

describe("a search by several threads", () => {
  for (const pattern of ["foo", "log foo$", "[0-9]{5}8 l.* foo"]) {
    it.for(Object.keys(files))(`finds what one thread finds: ${pattern} in %s`, async (name) => {
      const file = `${directory}/file`;
      writeFileSync(file, files[name] ?? "");
      const scanner = new Scanner({ patterns: [pattern] }, 3, worker);
      try {
        for (const one of cases) {
          const alone = await search(file, pattern, one);
          expectSame(one, await search(file, pattern, one, { scanner, least: 0 }), alone);
        }
      } finally {
        await scanner.close();
      }
    });
  }

  it("ends at once, even inside an expression that takes for ever, and leaves nothing behind", async () => {
    const file = `${directory}/stuck`;
    writeFileSync(file, `${"a".repeat(60)}\n${numbered(300_000, 2e9)}`);
    const before = descriptorCount();
    const scanner = new Scanner({ patterns: ["^(a+)+$x?b"] }, 2, worker);
    const fd = openSync(file, "r");
    const read = (buffer: Uint8Array, position: number) => readSync(fd, buffer, 0, buffer.length, position);
    // The helper gets the one chunk.
    const stuck = scanner.reports(fd, read, 1, { stopsAtNul: true, lineNumbers: false }).next();
    const ended = expect(stuck).rejects.toMatchObject({ code: "CANCELLED" });
    await scanner.close();
    await ended;
    closeSync(fd);
    await waitFor("the descriptors to be closed", () => descriptorCount() <= before);
  });

  it("goes on to what was appended meanwhile, and stops where the file was cut", async () => {
    const file = `${directory}/changing`;
    writeFileSync(file, log);
    const scanner = new Scanner({ patterns: ["foo"] }, 2, worker);
    try {
      const fd = openSync(file, "a");
      const one = { options: { lineNumber: true } };
      const grown = search(file, "foo", one, { scanner, least: 0 });
      writeSync(fd, "appended foo\n");
      expect((await grown).text).toContain("500001:appended foo");
      const cut = search(file, "foo", one, { scanner, least: 0 });
      ftruncateSync(fd, 100);
      closeSync(fd);
      expect((await cut).text).not.toContain("appended");
    } finally {
      await scanner.close();
    }
  });
});
