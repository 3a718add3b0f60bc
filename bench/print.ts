import { fullName } from "./case.ts";
import type { Result, Unit } from "./measure.ts";
import type { CaseReport, Report } from "./report.ts";

/** Prints a description of the machine, in a few lines. */
export function printHead({ date, machine }: Report): void {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  console.log(`${date}, ${machine.processors}, ${machine.memoryGiB} GiB, Linux ${machine.kernel}`);
  console.log(`${versions.join(", ")}\n`);
}

/** Prints a table of the results: the ratio of each to its base and to porthole. */
export function printCase(name: string, { title, results, verdicts, profiles, seconds }: CaseReport): void {
  console.log(`${name}: ${title} (${seconds} s)`);
  const width = Math.max(...results.map((result) => label(result).length));
  console.log(`  ${"".padEnd(width)}${HEADS.map((head) => head.padStart(11)).join("")}  samples  unit`);
  for (const result of results) {
    const times = [result.median, result.p95, result.p99].map((value) => number(value).padStart(11)).join("");
    const ratios = [result.ratio, againstOurs(result, results)]
      .map((value) => `${number(value)}x`.padStart(11))
      .join("");
    console.log(
      `  ${label(result).padEnd(width)}${times}${ratios}  ${String(result.samples).padStart(7)}  ${result.unit}`,
    );
  }
  for (const { goal, value, unit, isMet } of verdicts)
    console.log(`  ${isMet ? "met   " : "MISSED"} ${goal.result}: ${goal.text}: ${quantity(value, unit)}`);
  for (const [who, lines] of Object.entries(profiles ?? {}))
    console.log(`  where the time of ${who} goes:\n${lines.map((line) => `    ${line}`).join("\n")}`);
  console.log();
}

const HEADS = ["median", "p95", "p99", "of base", "of ours"];

function label(result: Result): string {
  return result.x === undefined ? fullName(result) : `${fullName(result)} at ${result.x.toLocaleString("en")}`;
}

/**
 * Returns the ratio of this median to porthole's in the same group and place, or NaN if porthole
 * has no result.
 */
function againstOurs(result: Result, results: readonly Result[]): number {
  const ours = results.find(({ role, group, x }) => role === "ours" && group === result.group && x === result.x);
  return result.median / (ours?.median ?? Number.NaN);
}

/** Formats a number with three significant digits. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return "-";
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return value.toPrecision(3);
}

export function quantity(value: number, unit: Unit | "x"): string {
  return unit === "x" ? `${number(value)}x` : `${number(value)} ${unit}`;
}
