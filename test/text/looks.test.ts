import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readJsonLine, unfoldJson } from "../../src/text/records/json-line.ts";
import { findLevel, levelNamed } from "../../src/text/records/levels.ts";
import { overlay } from "../../src/text/rows/marks.ts";
import type { Mark } from "../../src/text/rows/paint.ts";

const level = (text: string) => {
  const found = findLevel(text);
  return found && [found.level, text.slice(found.start, found.end)];
};

describe("findLevel", () => {
  it.each([
    ["2026-01-31T14:05:06Z ERROR it broke", ["error", "ERROR"]],
    ["2026-01-31 14:05:06,123 WARNING root: hm", ["warn", "WARNING"]],
    ["[2026-01-31 14:05:06] [error] [client 1.2.3.4] x", ["error", "error"]],
    ["level=warn msg=x", ["warn", "warn"]],
    ['{"level":"debug","msg":"ERROR in it"}', ["debug", "debug"]],
    ['{"severity": "CRITICAL"}', ["fatal", "CRITICAL"]],
    ["E0131 14:05:06.123456 1 main.go:1] x", ["error", "E"]],
    ["01-31 14:05:06.123  1234  5678 W Tag: x", ["warn", "W"]],
    ["npm warn: x", ["warn", "warn"]],
    ["INFO  started", ["info", "INFO"]],
    ["fail: Microsoft.AspNetCore.Server.Kestrel[13]", ["error", "fail"]],
    ["dbug: App[0]", ["debug", "dbug"]],
    ["trce: App[0]", ["trace", "trce"]],
    ["crit: App[0]", ["fatal", "crit"]],
    ["[14:05:06 FTL] Serilog", ["fatal", "FTL"]],
    ["14:05:06 [VRB] Serilog", ["debug", "VRB"]],
    ["2026-01-31 14:05:06.123 UTC [1] DEBUG1:  PostgreSQL", ["debug", "DEBUG1"]],
    ["E, [2026-01-31T14:05:06.123456 #1] ERROR -- : Ruby", ["error", "E"]],
    ["<27>Jan 31 14:05:06 host app: syslog", ["error", "27"]],
    ["<14>1 2026-01-31T14:05:06Z host app - - - x", ["info", "14"]],
    ['{"log.level":"error","message":"ECS"}', ["error", "error"]],
    ['{"log":{"level":"warn"},"message":"ECS"}', ["warn", "warn"]],
    ['{"msg":"ERROR in it","level":"debug"}', ["debug", "debug"]],
    [`{"msg":"${"x".repeat(300)}","level":"error"}`, ["error", "error"]],
    ['{"level":50,"msg":"pino"}', ["error", "50"]],
    ['{"MESSAGE":"journald","PRIORITY":"3"}', ["error", "3"]],
    ['{"@t":"2026-01-31T14:05:06Z","@l":"Warning"}', ["warn", "Warning"]],
    ["[main] [level=error] in brackets", ["error", "error"]],
    ["level=custom [ERROR] after an unknown level", ["error", "ERROR"]],
    ["(GET /x HTTP/1.1) TLS 12 WARN after other capitals", ["warn", "WARN"]],
    ["sshd: debug1: after a word with a colon", ["debug", "debug1"]],
  ] as const)("finds the level of: %s", (text, expected) => {
    expect(level(text)).toEqual(expected);
  });

  it.each([
    "terror and errors",
    "GET /error/500.html",
    "/var/log/ERROR.log",
    "an error happened",
    "INFORMATIONAL",
    "[errors] [debug12] [error_1]",
    "DEBUG12 and ERROR_1",
    "failure: x",
    "<300>Jan",
    "<html>",
  ])("finds no level in %s", (text) => {
    expect(level(text)).toBeUndefined();
  });

  it("knows the level numbers of pino and syslog", () => {
    expect([10, 20, 30, 40, 50, 60, "50", 0, 3, 4, 6, 7].map(levelNamed)).toEqual([
      ...["trace", "debug", "info", "warn", "error", "fatal", "error"],
      ...["fatal", "error", "warn", "info", "debug"],
    ]);
  });
});

describe("readJsonLine", () => {
  it("puts time, level and message first", () => {
    const read = readJsonLine('{"msg":"done","level":"warn","ms":3,"time":"2026-01-31T00:00:00Z","user":{"id":1}}');
    expect(read?.summary).toBe('2026-01-31T00:00:00Z WARN  done ms=3 user={"id":1}');
    expect(read?.level).toEqual({ level: "warn", start: 21, end: 25 });
    expect(read?.aside.map(({ start, end }) => read.summary.slice(start, end))).toEqual([
      "2026-01-31T00:00:00Z",
      'ms=3 user={"id":1}',
    ]);
  });

  it("reads numbers as times and levels, and keeps a prefix", () => {
    expect(readJsonLine('web-1  | {"level":30,"time":1769904000000,"msg":"hi"}')?.summary).toBe(
      "web-1  | 2026-02-01T00:00:00.000Z INFO  hi",
    );
  });

  it("limits the length of a row, and has one style for all secondary text", () => {
    const fields = (count: number) => `{"msg":"m",${Array.from({ length: count }, (_, i) => `"k${i}":${i}`).join()}}`;
    const read = readJsonLine(fields(1000));
    expect(read?.aside.map(({ start, end }) => [start, end])).toEqual([[2, read?.summary.length]]);
    expect(readJsonLine(fields(5000))).toBeUndefined();
    expect(unfoldJson(fields(5000))).toHaveLength(5003);
    expect(readJsonLine('{"msg":"m"}')?.summary).toBe("m");
  });

  it.each([
    ['{"log":{"level":"error","logger":"a"},"message":"m"}', 'ERROR m log={"level":"error","logger":"a"}', "error"],
    ['{"severity":"WARNING","textPayload":"m"}', "WARN  m", "warn"],
    ['{"jsonPayload":{"message":"m","level":"debug"}}', 'DEBUG m jsonPayload={"message":"m","level":"debug"}', "debug"],
    ['{"Timestamp":"2026-01-31T14:05:06Z","LogLevel":"Error","Message":"m"}', "2026-01-31T14:05:06Z ERROR m", "error"],
    [
      '{"t":{"$date":"2026-01-31T14:05:06.123+00:00"},"s":"W","c":"NETWORK","msg":"m"}',
      "2026-01-31T14:05:06.123+00:00 WARN  m c=NETWORK",
      "warn",
    ],
    [
      '{"log":"ERROR m\\n","stream":"stderr","time":"2026-01-31T14:05:06Z"}',
      "2026-01-31T14:05:06Z ERROR m stream=stderr",
      "error",
    ],
    ['{"s":3,"priority":"high","event":{"kind":"k"},"msg":"m"}', 'm s=3 priority=high event={"kind":"k"}', undefined],
  ])("reads the members of other loggers: %s", (text, summary, expected) => {
    const read = readJsonLine(text);
    expect(read?.summary).toBe(summary);
    expect(read?.level?.level).toBe(expected);
  });

  it("returns undefined for a line that is not an object", () => {
    for (const text of ["text", "{", "[1]", '{"a":', "{} x", "null"]) expect(readJsonLine(text)).toBeUndefined();
    expect(unfoldJson("text")).toBeUndefined();
  });

  it("returns undefined for a line that is nested too deeply for memory or stack", () => {
    const nested = (depth: number) => `{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    expect(unfoldJson(nested(50))).toHaveLength(101);
    for (const depth of [100, 3_000, 100_000]) {
      expect(unfoldJson(nested(depth))).toBeUndefined();
      expect(readJsonLine(nested(depth))).toBeUndefined();
    }
  });

  it("keeps the digits of numbers, and the order and repetition of names", () => {
    const text = '{"id":12345678901234567890,"10":1.0,"9":-0,"big":1e400,"id":[1,{"x":0.10}],"msg":"\\u00e9\\n"}';
    expect(readJsonLine(text)?.summary).toBe('é\n id=12345678901234567890 10=1.0 9=-0 big=1e400 id=[1,{"x":0.10}]');
    expect(unfoldJson(text)).toEqual([
      ...["{", '  "id": 12345678901234567890,', '  "10": 1.0,', '  "9": -0,', '  "big": 1e400,', '  "id": [', "    1,"],
      ...["    {", '      "x": 0.10', "    }", "  ],", '  "msg": "é\\n"', "}"],
    ]);
  });

  it("parses a long text of escapes", () => {
    const value = '\\"'.repeat(60_000);
    expect(unfoldJson(`{"a":"${value}"}`)).toEqual(["{", `  "a": "${value}"`, "}"]);
  });

  it("formats as JSON.stringify does", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const normal: unknown = JSON.parse(JSON.stringify(value));
        expect(unfoldJson(JSON.stringify(value))?.join("\n")).toBe(JSON.stringify(normal, undefined, 2));
      }),
    );
  });
});

describe("overlay", () => {
  it("splits overlapping ranges", () => {
    const red = { foreground: "31" };
    expect(overlay([{ start: 0, end: 10, look: red }], [{ start: 3, end: 5 }])).toEqual([
      { start: 0, end: 3, look: red },
      { start: 3, end: 5, look: { foreground: "31", attributes: [7] } },
      { start: 5, end: 10, look: red },
    ]);
  });

  it("covers the union of both, in ascending order and without overlaps", () => {
    const marks = fc
      .uniqueArray(fc.nat(30), { maxLength: 8 })
      .map((borders) => borders.sort((a, b) => a - b))
      .map((borders) =>
        borders.flatMap((start, index): Mark[] =>
          index % 2 === 0 && borders[index + 1] !== undefined ? [{ start, end: borders[index + 1] ?? 0 }] : [],
        ),
      );
    const covers = (list: readonly Mark[], at: number) => list.some(({ start, end }) => start <= at && at < end);
    fc.assert(
      fc.property(marks, marks, (a, b) => {
        const both = overlay(a, b);
        for (let at = 0; at < 32; at++) expect(covers(both, at)).toBe(covers(a, at) || covers(b, at));
        both.forEach(({ start, end }, index) => {
          expect(start).toBeLessThan(end);
          expect(start).toBeGreaterThanOrEqual(both[index - 1]?.end ?? 0);
        });
      }),
    );
  });
});
