import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { onRound, onTick } from "../../src/follow/ticker.ts";

const INTERVAL = 250;
/** Calls of each listener. */
let calls: number[];
let ends: (() => void)[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  calls = [];
  ends = [];
});
afterEach(() => {
  for (const end of ends) end();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function add(count: number, isUrgent = (_index: number) => false): void {
  for (let index = 0; index < count; index++) {
    calls.push(0);
    const listener = () => {
      calls[index] = (calls[index] as number) + 1;
      return isUrgent(index);
    };
    ends.push(onRound(INTERVAL, listener));
  }
}

const sum = () => calls.reduce((total, each) => total + each, 0);

describe("onRound", () => {
  test("calls up to 500 listeners at every tick", () => {
    add(500);
    vi.advanceTimersByTime(3 * INTERVAL);
    expect(calls).toEqual(calls.map(() => 3));
  });

  test("calls 500 of 10,000 listeners at a tick, and all of them in turn", () => {
    add(10_000);
    vi.advanceTimersByTime(INTERVAL);
    expect(sum()).toBe(500);
    vi.advanceTimersByTime(20 * INTERVAL);
    expect(Math.min(...calls)).toBe(1);
    expect(Math.max(...calls)).toBeLessThanOrEqual(2);
  });

  test("calls a listener that asks for it at every tick, once", () => {
    add(2000, (index) => index === 3);
    vi.advanceTimersByTime(12 * INTERVAL);
    expect(calls[3]).toBe(12);
  });

  test("does not call a listener that was removed, also by another listener", () => {
    add(3);
    let isRemoved = false;
    const endThird = ends[2] as () => void;
    ends.push(
      onTick(INTERVAL, () => {
        if (isRemoved) endThird();
      }),
    );
    vi.advanceTimersByTime(INTERVAL);
    isRemoved = true;
    vi.advanceTimersByTime(2 * INTERVAL);
    expect(calls).toEqual([3, 3, 1]);
  });
});
