import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RecordHeads, type RecordLevel } from "../../src/text/records/record-head.ts";
import { CHUNK, chunkCounter } from "../../src/text/scan/chunk-counter.ts";
import { RECORD_BYTES, type SelectionQuery } from "../../src/text/scan/selected-lines.ts";
import { MemorySource } from "./memory-source.ts";

/** Returns the selected lines, without their newlines. */
function selected(text: string, query: Partial<SelectionQuery> & { pattern?: string }): string[] {
  const { pattern, ...more } = query;
  const match = pattern === undefined ? undefined : { patterns: [pattern] };
  const source = new MemorySource(text);
  const counter = chunkCounter(source, { kind: "selection", encoding: "utf-8", areRecords: true, match, ...more });
  const found: string[] = [];
  for (let chunk = 0; chunk * CHUNK < source.end(); chunk++) {
    const positions = counter.positions(chunk);
    expect(counter.count(chunk)).toBe(positions.length);
    for (const at of positions) expect(Math.floor(at / CHUNK)).toBe(chunk);
    found.push(...positions.map((at) => source.bytes.toString("utf8", at).split("\n", 1)[0] ?? ""));
  }
  return found;
}

const TRACE = [
  "2026-01-31 10:00:00 INFO ready",
  "2026-01-31 10:00:01 ERROR request failed",
  "java.lang.IllegalStateException: ERROR at 2026-01-31T10:00:00Z",
  "\tat com.acme.Pool.take(Pool.java:42)",
  "Caused by: java.io.IOException: ERROR: reset",
  "\t... 12 more",
  "2026-01-31 10:00:02 INFO ready",
];

describe("selectedLines", () => {
  it("keeps a stack trace with its message if any of its lines matches", () => {
    const text = TRACE.join("\n");
    const whole = TRACE.slice(1, 6);
    expect(selected(text, { pattern: "request failed" })).toEqual(whole);
    expect(selected(text, { pattern: "Pool.java" })).toEqual(whole);
    expect(selected(text, { pattern: "Pool.java", invert: true })).toEqual([TRACE[0], TRACE[6]]);
    expect(selected(text, { pattern: "Pool.java", areRecords: false })).toEqual([TRACE[3]]);
    expect(selected(text, { pattern: "10:00:02" })).toEqual([TRACE[6]]);
  });

  it("requests the end of the source once for any number of lines", () => {
    const source = new MemorySource("2026-01-31 10:00:00 INFO a\n2026-01-31 10:00:01 ERROR b\n\tat c\n".repeat(1000));
    const { length } = source.bytes;
    let asked = 0;
    source.end = () => length + 10 * asked++;
    const counter = chunkCounter(source, { kind: "selection", encoding: "utf-8", areRecords: true, levels: ["error"] });
    expect(counter.count(0)).toBe(2000);
    expect(asked).toBe(1);
  });

  it("selects records by the level of their first line", () => {
    const text = TRACE.join("\n");
    expect(selected(text, { levels: ["error"] })).toEqual(TRACE.slice(1, 6));
    expect(selected(text, { levels: ["info", "none"] })).toEqual([TRACE[0], TRACE[6]]);
    expect(selected(text, { levels: ["error"], pattern: "ready" })).toEqual([]);
    expect(selected("plain\nINFO: a\n", { levels: ["none"], areRecords: false })).toEqual(["plain"]);
    const json = `{"time":"2026-01-31T10:00:00Z","msg":"${"x".repeat(1000)}","level":"warn"}`;
    expect(selected(`${json}\n`, { levels: ["warn"] })).toEqual([json]);
  });

  it("omits lines that begin with given bytes", () => {
    const without = [Buffer.from("\x1b[36mweb |")];
    expect(selected("\x1b[36mweb | a\n\x1b[32mdb  | a\n", { without, areRecords: false })).toEqual(["\x1b[32mdb  | a"]);
  });

  it("finds records across the border of a chunk", () => {
    const filler = `2026-01-31 10:00:00 INFO ${"x".repeat(74)}\n`;
    const trace = `${TRACE.slice(1, 6).join("\n")}\n`;
    for (let into = 0; into <= trace.length; into += 29) {
      const before = CHUNK - into;
      const rows = filler.repeat(Math.floor(before / filler.length));
      const pad = before - rows.length;
      const text = `${rows}${pad > 0 ? `${"2026-01-31 10:00:00 INFO ".padEnd(pad - 1, "y")}\n` : ""}${trace}${filler}`;
      for (const pattern of ["request failed", "12 more"])
        expect(selected(text, { pattern }), `${into} bytes before the border`).toEqual(TRACE.slice(1, 6));
    }
  });

  it("ends a record at a limit, at the same offset from either chunk", () => {
    const line = `\tat ${"x".repeat(95)}\n`;
    const count = Math.ceil((3 * RECORD_BYTES) / line.length);
    const text = `2026-01-31 10:00:00 ERROR long\n${line.repeat(count)}`;
    for (const shift of [0, CHUNK - RECORD_BYTES / 2]) {
      const filler = "2026-01-31 10:00:00 INFO z\n".repeat(Math.floor(shift / 27));
      expect(selected(filler + text, { pattern: "long" }).length).toBe(1 + Math.floor((RECORD_BYTES - 31) / 100) + 1);
    }
  });

  it("selects the same as a search of every record, for any text", () => {
    const row = fc.constantFrom("2026-01-31 10:00:00 INFO a", "2026-01-31 10:00:00 ERROR b", "  at b", "\ta", "", "x");
    fc.assert(
      fc.property(
        fc.array(row, { maxLength: 30 }),
        fc.constantFrom("a", "b", "x$"),
        fc.boolean(),
        (rows, pattern, invert) => {
          const heads = new RecordHeads();
          const records: string[][] = [];
          for (const one of rows) {
            const last = records.at(-1);
            if (last && heads.begins(last[0] ?? "") && !heads.begins(one)) last.push(one);
            else records.push([one]);
          }
          const expected = records.filter((record) => record.some((one) => new RegExp(pattern).test(one)) !== invert);
          expect(selected(rows.map((one) => `${one}\n`).join(""), { pattern, invert })).toEqual(expected.flat());
          const levels: RecordLevel[] = ["info", "none"];
          const others = records.filter(([head = ""]) => !/ERROR/.test(head));
          expect(selected(rows.map((one) => `${one}\n`).join(""), { levels })).toEqual(others.flat());
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe("RecordHeads", () => {
  const heads = new RecordHeads();

  it.each([
    "2026-01-31T10:00:00Z INFO a",
    "Jan 31 10:00:00 host sshd[1]: a",
    "[2026-01-31 10:00:00] a",
    '1.2.3.4 - - [31/Jan/2026:14:05:06 +0000] "GET / HTTP/1.1" 200',
    "INFO: a",
    " WARN 2026-01-31 10:00:00 a",
    '{"level":"info"}',
    "\x1b[36mweb |\x1b[0m 2026-01-31 10:00:00 a",
    "E0131 14:05:06.123456 1 a.go:1] a",
    "<11>1 2026-01-31T10:00:00Z host a",
  ])("takes '%s' for the first line of a record", (line) => {
    expect(heads.begins(line)).toBe(true);
  });

  it.each([
    "\tat a.b(C.java:1)",
    "    at Object.<anonymous> (/srv/a.js:1:2)",
    '  File "/srv/a.py", line 3, in <module>',
    "Traceback (most recent call last):",
    "ValueError: invalid literal",
    "Caused by: java.sql.SQLException: ERROR: duplicate key at 2026-01-31 10:00:00",
    "}",
    "",
    "\x1b[36mweb |\x1b[0m \tat a.b(C.java:1)",
    '  "time": "2026-01-31T10:00:00Z",',
  ])("takes '%s' for a continuation line", (line) => {
    expect(heads.begins(line)).toBe(false);
  });

  it("finds records in a log of stack traces, and none in other texts", () => {
    expect(heads.areMost(TRACE)).toBe(true);
    expect(heads.areMost(["one", "two", "2026-01-31 10:00:00 three"])).toBe(false);
    expect(heads.areMost([])).toBe(false);
    expect(heads.areMost(["  indented", ""])).toBe(false);
  });
});
