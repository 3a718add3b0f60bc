import { describe, expect, it } from "vitest";
import { parseTimestamp, TimestampReader } from "../../src/text/records/timestamp.ts";
import { systemZone, utc as utcZone } from "../../src/times/zone.ts";

const now = Date.UTC(2026, 1, 15);
const utc = { now, zone: utcZone };
const base = Date.UTC(2026, 0, 31, 14, 5, 6);

describe("parseTimestamp", () => {
  it.each([
    ["2026-01-31T14:05:06Z started", 0],
    ["2026-01-31T14:05:06.123456789Z", 123.456789],
    ["2026-01-31T16:05:06.5+02:00 x", 500],
    ["2026-01-31 09:05:06 -0500 x", 0],
    ["2026-01-31 14:05:06,123 INFO  [main] Java", 123],
    ["2026-01-31 14:05:06,123 - root - INFO - Python", 123],
    ["INFO:root:2026-01-31 14:05:06,007 message", 7],
    ["[2026-01-31 14:05:06] app.INFO: PHP", 0],
    ["2026/01/31 14:05:06 main.go:17: Go", 0],
    ["2026/01/31 14:05:06.250000 Go with microseconds", 250],
    ["2026/01/31 14:05:06 [error] 7#7: *1 nginx", 0],
    ['10.0.0.1 - - [31/Jan/2026:14:05:06 +0000] "GET / HTTP/1.1" 200 1', 0],
    ['10.0.0.1 - bob [31/Jan/2026:15:05:06 +0100] "GET /2020-01-01T00:00:00Z HTTP/1.1" 200 1', 0],
    ["[Sat Jan 31 14:05:06.123456 2026] [core:error] Apache", 123.456],
    ["Jan 31 14:05:06 host app[1]: RFC 3164", 0],
    ["<34>Jan 31 14:05:06 host app: RFC 3164", 0],
    ["<34>1 2026-01-31T14:05:06.003Z host app - - - RFC 5424", 3],
    ["Jan 31, 2026 2:05:06 PM com.example.Main main", 0],
    ["1:M 31 Jan 2026 14:05:06.123 * Redis", 123],
    ["I0131 14:05:06.123456 1 klog.go:1] klog", 123.456],
    [`${base / 1000} epoch`, 0],
    [`${base / 1000}.250 epoch`, 250],
    [`${base + 42} epoch in milliseconds`, 42],
    [`[${base / 1000}] in brackets`, 0],
    [`{"level":"info","ts":${base / 1000}.5,"msg":"zap"}`, 500],
    [`{"level":30,"time":${base + 1},"pid":1,"msg":"pino"}`, 1],
    ['{"time":"2026-01-31T14:05:06.25Z","level":"INFO","msg":"slog"}', 250],
    ['time="2026-01-31T14:05:06Z" level=info msg=logrus', 0],
    [`ts=${base / 1000} caller=x`, 0],
  ])("%s", (line, milliseconds) => {
    expect(parseTimestamp(line, utc)).toBeCloseTo(base + milliseconds, 2);
  });

  it.each([
    ["no time at all"],
    ["\tat com.example.Main(Main.java:17)"],
    ["14:05:06.123 a time without a day"],
    ["request 1234567890 of 9876543210"],
    ["2026-13-31T14:05:06Z no such month"],
    ["Version 2026.01.31"],
    [`${" ".repeat(300)}2026-01-31T14:05:06Z too far in`],
  ])("finds none in: %s", (line) => {
    expect(parseTimestamp(line, utc)).toBeUndefined();
  });

  it("takes the latest year that is not in the future where there is none", () => {
    expect(parseTimestamp("Dec 31 23:59:59 host x", utc)).toBe(Date.UTC(2025, 11, 31, 23, 59, 59));
    expect(parseTimestamp("Jan  1 00:00:01 host x", { ...utc, now: Date.UTC(2025, 11, 31, 23) })).toBe(
      Date.UTC(2026, 0, 1, 0, 0, 1),
    );
  });

  it("takes this machine's zone where it is told to", () => {
    expect(parseTimestamp("2026-01-31 14:05:06", { now, zone: systemZone })).toBe(
      new Date(2026, 0, 31, 14, 5, 6).getTime(),
    );
  });
});

describe("TimestampReader", () => {
  it("reads lines of other forms among the usual ones", () => {
    const reader = new TimestampReader(utc);
    const read = (text: string) => reader.read(Buffer.from(text));
    expect(read("2026-01-31T14:05:06Z a")).toBe(base);
    expect(read("2026-01-31T14:05:07Z a")).toBe(base + 1000);
    expect(read("Jan 31 14:05:06 host x 2020-01-01T00:00:00Z")).toBe(base);
    expect(read("no time")).toBeUndefined();
    expect(read("2026-01-31T14:05:08Z a")).toBe(base + 2000);
  });
});
