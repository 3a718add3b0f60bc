import { spawnSync } from "node:child_process";

/** One thing that is timed: returns milliseconds. */
export interface Contestant {
  name: string;
  run(): number | Promise<number>;
}

/** Medians and tails of one contestant, in milliseconds, and its ratio to the first one. */
export interface Result {
  name: string;
  median: number;
  p95: number;
  p99: number;
  ratio: number;
  samples: number;
}

/**
 * Runs the contestants in turn, `rounds` times, so that what disturbs the machine disturbs all of them; the first one is the base
 * of the ratios. The first `warmUp` rounds do not count.
 */
export async function compare(contestants: Contestant[], rounds: number, warmUp = 1): Promise<Result[]> {
  const samples = contestants.map((): number[] => []);
  for (let round = 0; round < warmUp + rounds; round++) {
    for (const [index, contestant] of contestants.entries()) {
      const taken = await contestant.run();
      if (round >= warmUp) samples[index]?.push(taken);
    }
  }
  const medians = samples.map((values) => quantile(values, 0.5));
  return contestants.map(({ name }, index) => ({
    name,
    median: medians[index] ?? Number.NaN,
    p95: quantile(samples[index] ?? [], 0.95),
    p99: quantile(samples[index] ?? [], 0.99),
    ratio: (medians[index] ?? Number.NaN) / (medians[0] ?? Number.NaN),
    samples: rounds,
  }));
}

/** The `q` quantile of the values, 0 to 1. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

/** Milliseconds that a whole command takes, output discarded. Throws when it fails: a fast failure is no result. */
export function timeCommand(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): number {
  const started = performance.now();
  const { status, stderr, error } = spawnSync(command, args, { stdio: ["ignore", "ignore", "pipe"], env });
  const taken = performance.now() - started;
  if (error !== undefined || status !== 0)
    throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr.toString()}`);
  return taken;
}
