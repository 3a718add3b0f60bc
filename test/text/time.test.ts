import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { PortholeError } from "../../src/errors.ts";
import { parseTime } from "../../src/text/index.ts";

const now = 1_790_000_000_000;

test.each([
  "2026-01-31",
  "2026-01-31 14:05",
  "2026-01-31T14:05:06",
  "2024-02-29 23:59:59.25",
  "2026-07-31 14:05:06Z",
  "2026-01-31T14:05:06+05:30",
  "2026-01-31 14:05 -0800",
  "@1700000000",
  "@1700000000.5",
])("%s is parsed as by date(1)", (text) => {
  const { stdout } = spawnSync("date", ["-d", text, "+%s.%N"], { encoding: "utf8" });
  expect(parseTime(text, now)).toBe(Math.round(Number(stdout) * 1000));
});

test.each([
  ["now", 0],
  ["2 hours ago", 7200],
  ["1 day ago", 86_400],
  ["a week ago", 604_800],
  ["30 min ago", 1800],
  ["10sec ago", 10],
  ["0 minutes ago", 0],
])("%s is relative to now", (text, seconds) => {
  expect(parseTime(text, now)).toBe(now - seconds * 1000);
});

test.each(["", "soon", "2026-02-30", "2026-13-01", "2026-01-01 24:00", "12 parsecs ago", "@x", "2026-01-01x"])(
  "%s is refused with an error that quotes it",
  (text) => {
    expect(() => parseTime(text, now)).toThrow(PortholeError);
    expect(() => parseTime(text, now)).toThrow(`invalid time '${text}'`);
  },
);
