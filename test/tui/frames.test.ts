import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FrameClock } from "../../cli/tui/app/drawing/frames.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout", "setImmediate", "clearImmediate"] });
  // No frame was drawn in the last moment.
  vi.advanceTimersByTime(1000);
});
afterEach(() => {
  vi.useRealTimers();
});

it("draws the frame of a key at once, and the next one without delay if that wrote nothing", () => {
  const draw = vi.fn(() => false);
  const clock = new FrameClock(draw, () => true);
  clock.request();
  clock.flush();
  expect(draw).toHaveBeenCalledTimes(1);
  draw.mockReturnValue(true);
  clock.request();
  clock.flush();
  expect(draw).toHaveBeenCalledTimes(2);
  clock.request();
  clock.flush();
  expect(draw).toHaveBeenCalledTimes(2);
  vi.advanceTimersByTime(16);
  expect(draw).toHaveBeenCalledTimes(3);
  clock.stop();
});

it("draws once for requests whose frame is drawn at once", () => {
  const draw = vi.fn(() => true);
  const clock = new FrameClock(draw, () => true);
  clock.request();
  clock.request();
  clock.flush();
  clock.flush();
  vi.advanceTimersByTime(100);
  expect(draw).toHaveBeenCalledTimes(1);
  clock.stop();
});

it("draws no frame for a key while the terminal is busy", () => {
  const draw = vi.fn(() => true);
  const clock = new FrameClock(draw, () => false);
  clock.request();
  clock.flush();
  expect(draw).not.toHaveBeenCalled();
  clock.stop();
});
