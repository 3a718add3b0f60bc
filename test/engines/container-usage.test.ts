import { expect, test } from "vitest";
import { decodeUsage, type UsageSample, usageBetween } from "../../src/engines/containers/container-usage.ts";

const request = { socketPath: "/run/engine.sock", path: "/containers/x/stats" };

test("a sample has the memory without the page cache that can be dropped, on both versions of cgroups", () => {
  const memory = (stats: object) => ({ memory_stats: { usage: 1000, limit: 5000, stats } });
  const of = (body: object) => decodeUsage(body, request).memory;
  expect(of(memory({ inactive_file: 300 }))).toBe(700);
  expect(of(memory({ total_inactive_file: 400, inactive_file: 300 }))).toBe(600);
  expect(of(memory({ inactive_file: 2000 }))).toBe(1000);
  expect(of({ memory_stats: { usage: 1000 } })).toBe(1000);
  expect(of({ memory_stats: {} })).toBeUndefined();
});

test("a sample of a container without control groups has no numbers", () => {
  expect(decodeUsage({ read: "2026-01-01T00:00:00Z" }, request)).toEqual({
    ...{ time: Date.UTC(2026, 0, 1), processor: undefined, memory: undefined, memoryLimit: undefined },
  });
});

test("a number of another type is an error that names the field", () => {
  expect(() => decodeUsage({ memory_stats: { usage: "much" } }, request)).toThrow(/memory_stats\.usage is "much"/);
  expect(() => decodeUsage({ read: 5 }, request)).toThrow(/read is 5, not a string/);
});

test("CPU usage is relative to elapsed time and needs two samples of the same run", () => {
  const sample = (time: number, processor: number | undefined): UsageSample => ({
    ...{ time, processor, memory: 1, memoryLimit: 2 },
  });
  expect(usageBetween(sample(0, 0), sample(2000, 3e9))).toMatchObject({ cores: 1.5, memory: 1, memoryLimit: 2 });
  expect(usageBetween(sample(0, 5e9), sample(1000, 0))).toMatchObject({ cores: 0 });
  expect(usageBetween(sample(5, 0), sample(5, 1))).toBeUndefined();
  expect(usageBetween(sample(Number.NaN, 0), sample(1, 1))).toBeUndefined();
  expect(usageBetween(sample(0, undefined), sample(1, 1))).toBeUndefined();
});
