import type { ContainerUsage } from "../../../../src/engines/index.ts";
import { humanSize } from "../../../ls/sizes.ts";
import { sparkline } from "../../canvas/sparkline.ts";

/** Formats the CPU usage of the latest sample, where 100% is one core: `0.4%`, `37%`, `180%`. */
export function cpuText(samples: readonly ContainerUsage[]): string {
  const latest = samples.at(-1);
  if (latest === undefined) return "";
  const percent = latest.cores * 100;
  return `${percent < 9.95 ? percent.toFixed(1) : Math.round(percent)}%`;
}

/** Formats the memory of the latest sample. */
export function memoryText(samples: readonly ContainerUsage[]): string {
  const memory = samples.at(-1)?.memory;
  return memory === undefined ? "" : humanSize(BigInt(Math.round(memory)));
}

/** Draws the CPU usage. Full height is the highest value, and at least a quarter of a core. */
export function cpuSparkline(samples: readonly ContainerUsage[], width: number): string {
  const values = samples.map(({ cores }) => cores);
  return sparkline(values, Math.max(0.25, ...values), width);
}

/**
 * Draws the memory. Full height is slightly above the highest value, so that constant memory is a
 * line, not a block.
 */
export function memorySparkline(samples: readonly ContainerUsage[], width: number): string {
  const values = samples.map(({ memory }) => memory ?? 0);
  return sparkline(values, Math.max(...values) * 1.3, width);
}
