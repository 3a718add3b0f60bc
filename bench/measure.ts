import { spawnSync } from "node:child_process";
import { setImmediate } from "node:timers/promises";

export type Unit = "ms" | "us" | "MB" | "KB" | "bytes" | "GB/s" | "% of a core" | "times";

/**
 * `base` is the kernel or the best peer, 1.00 in the ratios; `ours` is porthole; all others are
 * peers.
 */
export type Role = "base" | "ours" | "peer";

/** A tool, or a method, that does the measured work. */
export interface Contestant {
  name: string;
  /** Default: the first contestant is the base, the others are peers. */
  role?: Role;
  /**
   * Returns the measured value, in milliseconds or {@link CompareOptions.unit}.
   */
  run(): number | Promise<number>;
  /** Runs in every n-th round only, for slow peers. Default 1. */
  every?: number;
}

/** Median and tails of one contestant, and its ratio to the base of its group. */
export interface Result {
  /**
   * Name of the comparison, if a case has several: "literal", "direct".
   */
  group?: string;
  name: string;
  role: Role;
  unit: Unit;
  median: number;
  p95: number;
  p99: number;
  ratio: number;
  samples: number;
  /** Amount of work, for a case that shows growth ({@link Case.axis}). */
  x?: number;
}

export interface CompareOptions {
  /** Fewer on a slow machine: see {@link PATIENCE_MS}. */
  rounds: number;
  /** Warm-up rounds. Default 1. */
  warmUp?: number;
  group?: string;
  unit?: Unit;
  x?: number;
}

/**
 * After this time, without warm-up, a comparison ends after the minimum number of rounds: a case
 * takes less than a minute.
 */
const PATIENCE_MS = 8_000;
const MIN_ROUNDS = 5;

/**
 * Runs the contestants alternately, round by round, so that disturbances affect all of them. The
 * first contestant is the base of the ratios.
 */
export async function compare(
  contestants: readonly Contestant[],
  { rounds, warmUp = 1, ...options }: CompareOptions,
): Promise<Result[]> {
  const samples = contestants.map((): number[] => []);
  let started = performance.now();
  for (let round = 0; round < warmUp + rounds; round++) {
    if (round === warmUp) started = performance.now();
    if (round >= warmUp + MIN_ROUNDS && performance.now() - started > PATIENCE_MS) break;
    for (const [index, { run, every = 1 }] of contestants.entries()) {
      if (round % every !== 0) continue;
      // Most of them block the event loop: let a pending signal run.
      await setImmediate();
      const taken = await run();
      if (round >= warmUp || every > 1) samples[index]?.push(taken);
    }
  }
  return summarise(
    contestants.map(({ name, role }, index) => ({ name, ...(role && { role }), values: samples[index] ?? [] })),
    options,
  );
}

/** Makes results of values that were measured elsewhere. The first result is the base. */
export function summarise(
  measured: readonly { name: string; role?: Role; values: readonly number[] }[],
  { group, unit = "ms", x }: Omit<CompareOptions, "rounds" | "warmUp"> = {},
): Result[] {
  const base = quantile(measured[0]?.values ?? [], 0.5);
  return measured.map(({ name, role, values }, index) => {
    const median = quantile(values, 0.5);
    return {
      ...(group !== undefined && { group }),
      name,
      role: role ?? (index === 0 ? "base" : "peer"),
      unit,
      median,
      p95: quantile(values, 0.95),
      p99: quantile(values, 0.99),
      ratio: median / base,
      samples: values.length,
      ...(x !== undefined && { x }),
    };
  });
}

/**
 * Returns the `q` quantile of the values, 0 to 1. For few values, p95 and p99 are the largest; the
 * median of two values is their mean.
 */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  if (q === 0.5 && half >= 1 && Number.isInteger(half)) return ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2;
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

/**
 * Returns the milliseconds of a whole command whose output is discarded. Throws if the command
 * fails: a fast failure is not a result.
 */
export function timeCommand(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  cwd?: string,
): number {
  const started = performance.now();
  const { status, stderr, error } = spawnSync(command, args, { stdio: ["ignore", "ignore", "pipe"], env, cwd });
  const taken = performance.now() - started;
  if (error !== undefined || status !== 0)
    throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr.toString()}`);
  return taken;
}

/**
 * Like {@link timeCommand}, but passes the output through a pipe: some tools do less work for
 * /dev/null.
 */
export function timePiped(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  cwd?: string,
): number {
  return timeCommand("bash", ["-o", "pipefail", "-c", '"$@" | cat > /dev/null', "bash", command, ...args], env, cwd);
}
