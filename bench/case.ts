import type { Result, Unit } from "./measure.ts";
import type { Need } from "./needs.ts";
import type { Stage } from "./stage.ts";

/** One number that the design promises. */
export interface Goal {
  /** The promise in words, as the report shows it: "<= 1.4x node -e 0". */
  text: string;
  /** The result it is about: its name, or "group: name". */
  result: string;
  of: "ratio" | "median" | "p95" | "p99";
  /** In the result's unit; a ratio has none. One of the two. */
  atMost?: number;
  atLeast?: number;
}

/**
 * One row, or a few, of the design's table of numbers; or what something costs as the work grows.
 */
export interface Case {
  /** What is measured, in one line. */
  title: string;
  /**
   * Empty where the design sets no number: then the case shows where porthole stands beside its
   * peers.
   */
  goals: Goal[];
  /** Programs of this machine that it cannot do without, beside the stage's. */
  needs?: Need[];
  /** What {@link Result.x} counts, for a case whose results are points on curves. */
  axis?: { label: string; unit: string };
  /** Measures on the stage, and removes from it what it put there. */
  run(stage: Stage): Promise<Result[]>;
}

/** What became of a goal. */
export interface Verdict {
  goal: Goal;
  /** NaN when the result is missing, which is a miss. */
  value: number;
  unit: Unit | "x";
  isMet: boolean;
}

/** Holds the results against the goals. A goal whose result is missing is missed. */
export function judge(goals: readonly Goal[], results: readonly Result[]): Verdict[] {
  return goals.map((goal) => {
    const result = results.find((each) => fullName(each) === goal.result);
    const value = result?.[goal.of] ?? Number.NaN;
    const isMet = value <= (goal.atMost ?? Number.POSITIVE_INFINITY) && value >= (goal.atLeast ?? 0);
    return { goal, value, unit: goal.of === "ratio" ? "x" : (result?.unit ?? "ms"), isMet };
  });
}

/** "group: name", or the name alone where there is no group. */
export function fullName({ group, name }: Pick<Result, "group" | "name">): string {
  return group === undefined ? name : `${group}: ${name}`;
}
