import type { Result, Unit } from "./measure.ts";
import type { Need } from "./needs.ts";
import type { Stage } from "./stage.ts";

/** A goal of the design for one result. */
export interface Goal {
  /** The goal as shown in the report: "<= 1.4x node -e 0". */
  text: string;
  /** The result that it applies to: its name, or "group: name". */
  result: string;
  of: "ratio" | "median" | "p95" | "p99";
  /**
   * Full name of the result whose `of` is the divisor, if it is not the median of the group's base.
   */
  over?: string;
  /**
   * In the result's unit. A ratio, and a goal with `over`, has no unit. Set exactly one of the two
   * limits.
   */
  atMost?: number;
  atLeast?: number;
}

/** One or more rows of the design's table of numbers, or the cost for growing work. */
export interface Case {
  /** The measured action, in one line. */
  title: string;
  /** Empty if the design sets no number: then the case compares porthole with other tools. */
  goals: Goal[];
  /** Required local programs, in addition to those of the stage. */
  needs?: Need[];
  /** The meaning of {@link Result.x}, for a case whose results are points on curves. */
  axis?: { label: string; unit: string };
  /** Measures on the stage, and removes everything that it created there. */
  run(stage: Stage): Promise<Result[]>;
}

/** The outcome of a goal. */
export interface Verdict {
  goal: Goal;
  /** NaN if the result is missing, which is a miss. */
  value: number;
  unit: Unit | "x";
  isMet: boolean;
}

/** Compares the results with the goals. A goal without a result is missed. */
export function judge(goals: readonly Goal[], results: readonly Result[]): Verdict[] {
  const named = (name: string) => results.find((each) => fullName(each) === name);
  return goals.map((goal) => {
    const result = named(goal.result);
    const divisor = goal.over === undefined ? 1 : (named(goal.over)?.[goal.of] ?? Number.NaN);
    const value = (result?.[goal.of] ?? Number.NaN) / divisor;
    const isMet = value <= (goal.atMost ?? Number.POSITIVE_INFINITY) && value >= (goal.atLeast ?? 0);
    return { goal, value, unit: goal.of === "ratio" || goal.over !== undefined ? "x" : (result?.unit ?? "ms"), isMet };
  });
}

/** Returns "group: name", or the name alone without a group. */
export function fullName({ group, name }: Pick<Result, "group" | "name">): string {
  return group === undefined ? name : `${group}: ${name}`;
}
