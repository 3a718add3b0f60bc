import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import type { Case, Verdict } from "./case.ts";
import type { Result } from "./measure.ts";

/** What a run says of the machine: numbers without it are worth nothing. */
export interface Machine {
  processors: string;
  memoryGiB: number;
  kernel: string;
  /**
   * Load averages over one minute (getloadavg(3)), one for each case: more than there are
   * processors means that others were at work, too.
   */
  load: number[];
  /** Versions of what was measured, by name. */
  versions: Record<string, string>;
}

export interface CaseReport {
  title: string;
  axis?: NonNullable<Case["axis"]>;
  results: Result[];
  verdicts: Verdict[];
  /** Where the time of each contestant of ours went, of a case that missed a number. */
  profiles?: Record<string, string[]>;
  seconds: number;
}

/** A file of bench/results. */
export interface Report {
  /** ISO 8601, UTC. */
  date: string;
  machine: Machine;
  notes: string[];
  cases: Record<string, CaseReport>;
}

/** Asks each tool for its version; one that is not there is left out. */
export function machine(env: NodeJS.ProcessEnv): Machine {
  const versions: Record<string, string> = { node: process.version };
  for (const [name, ...args] of TOOLS) {
    const { status, stdout } = spawnSync(name, args, { env, encoding: "utf8" });
    const version = status === 0 ? /\d+(\.\d+)*[\w.+-]*/.exec(stdout)?.[0] : undefined;
    if (version !== undefined) versions[name] = version;
  }
  const all = cpus();
  return {
    processors: `${all.length} x ${all[0]?.model ?? "unknown"}`,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    load: [],
    versions,
  };
}

const TOOLS: [string, ...string[]][] = [
  ["docker", "version", "--format", "{{.Server.Version}}"],
  ["podman", "--version"],
  ["rg", "--version"],
  ["tail", "--version"],
  ["less", "--version"],
  ["lnav", "--version"],
  ["python3", "--version"],
  ["nsenter", "--version"],
  ["cc", "--version"],
];

/** Writes bench/results/NAME.json: `latest` for a run of every case, else the cases' names. */
export function saveReport(root: string, name: string, report: Report): void {
  mkdirSync(`${root}bench/results`, { recursive: true });
  writeFileSync(`${root}bench/results/${name}.json`, `${JSON.stringify(report, undefined, 2)}\n`);
}
