import { expect, it } from "vitest";
import { cpuText, memorySparkline, memoryText } from "../../cli/tui/browser/containers/usage-text.ts";
import { sparkline } from "../../cli/tui/canvas/sparkline.ts";

it("draws the last values by their height, with blanks before the first", () => {
  expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7, 8], 8, 9)).toBe("▁▂▃▄▅▆▇██");
  expect(sparkline([8, 0, 4], 8, 2)).toBe("▁▅");
  expect(sparkline([4], 8, 4)).toBe("   ▅");
  expect(sparkline([0, -1, 99], 0, 3)).toBe("▁▁▁");
  expect(sparkline([], 8, 3)).toBe("   ");
});

it("formats processor time as a share of one core, and memory like the sizes of ls -h", () => {
  const usage = (cores: number, memory?: number) => [{ cores, memory, memoryLimit: undefined }];
  expect([0, 0.004, 0.0994, 0.0996, 1.8].map((cores) => cpuText(usage(cores)))).toEqual([
    ...["0.0%", "0.4%", "9.9%", "10%", "180%"],
  ]);
  expect([memoryText(usage(0, 1536)), memoryText(usage(0)), memoryText([]), cpuText([])]).toEqual(["1.5K", "", "", ""]);
  expect(memorySparkline([...usage(0, 100), ...usage(0, 100)], 3)).toBe(" ▇▇");
});
