import type { Command } from "commander";
import { PortholeError } from "../../src/errors.ts";

/** A parsed command line. */
export interface CommandLine {
  command: Command;
  args: readonly string[];
  version: string;
  /** The engine that the operands named: `far` of `far!web:/path`. They no longer contain it. */
  named?: string | undefined;
}

/** An operand of a command line, and its engine. */
export interface Operand {
  /** Index of the operand among the arguments. */
  index: number;
  /** The operand without the name of the engine. */
  text: string;
  /** A value of `--engine`, or {@link HERE}; undefined for the engine of the command line. */
  engine: string | undefined;
}

/** The engine of files and processes of this machine. */
export const HERE = "";

/** Consecutive operands that are passed to one run of the command. */
export interface Segment {
  engine: string | undefined;
  operands: readonly Operand[];
}

/** Commands whose operand may be a container without a path. */
export const OF_CONTAINERS: ReadonlySet<string> = new Set(["browse", "diff", "doctor", "ps"]);

const OF_ENGINE = /^([A-Za-z0-9][\w.+-]*)!([^!].*)$/s;

/**
 * Divides `far!web:/path` into an engine and a target. Returns undefined if the text has no engine,
 * because a local file name may contain an exclamation mark.
 * @param command decides whether a target may be a container without a path: `far!web`
 */
export function splitEngine(text: string, command: string): { engine: string; rest: string } | undefined {
  if (!text.includes("!")) return undefined;
  const [, engine, rest = ""] = OF_ENGINE.exec(text) ?? [];
  const isTarget = OF_CONTAINERS.has(command) || /^[^/]*:|^[^/:]*\/[^/:]*:|^(pod|image|volume):/.test(rest);
  return engine === undefined || !isTarget ? undefined : { engine, rest };
}

/**
 * Finds the operands among the arguments, in the same order. The search starts at the end, because
 * an option's value can equal an operand. For `find` it starts at the beginning.
 * @throws PortholeError USAGE if an operand is not found
 */
export function locateOperands(args: readonly string[], operands: readonly string[], command: string): Operand[] {
  const fromStart = command === "find";
  const found: Operand[] = [];
  let at = fromStart ? 0 : args.length;
  for (const text of fromStart ? operands : operands.toReversed()) {
    at = fromStart ? args.indexOf(text, at + 1) : args.lastIndexOf(text, at - 1);
    if (at < 1) {
      const hint = "run the command once for each engine";
      throw new PortholeError("USAGE", `cannot divide the command line at '${text}'`, { hint });
    }
    const { engine, rest = text } = splitEngine(text, command) ?? {};
    found.push({ index: at, text: rest, engine });
  }
  return fromStart ? found : found.reverse();
}

/** Joins consecutive operands of the same engine to segments. */
export function segmentsOf(operands: readonly Operand[]): Segment[] {
  const segments: { engine: string | undefined; operands: Operand[] }[] = [];
  for (const operand of operands) {
    const last = segments.at(-1);
    if (last !== undefined && last.engine === operand.engine) last.operands.push(operand);
    else segments.push({ engine: operand.engine, operands: [operand] });
  }
  return segments;
}

/** Returns the arguments for the run of a segment, with only its own operands. */
export function argumentsOf(args: readonly string[], all: readonly Operand[], segment: Segment): string[] {
  const texts = new Map(segment.operands.map(({ index, text }) => [index, text]));
  const dropped = new Set(all.map(({ index }) => index));
  return args.flatMap((arg, index) =>
    texts.has(index) ? [texts.get(index) as string] : dropped.has(index) ? [] : [arg],
  );
}

/**
 * Returns the exit status of a command over several engines, which is the highest. grep returns 0
 * if any run matched and no run failed.
 */
export function combinedStatus(command: string, statuses: readonly number[]): number {
  const worst = Math.max(0, ...statuses);
  return command === "grep" && worst === 1 ? Math.min(...statuses) : worst;
}
