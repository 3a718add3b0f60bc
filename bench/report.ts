import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import type { Case, Verdict } from "./case.ts";
import type { Result } from "./measure.ts";

/** Description of the machine, which is needed to interpret the numbers. */
export interface Machine {
  processors: string;
  memoryGiB: number;
  kernel: string;
  /**
   * Load averages over one minute (getloadavg(3)), one for each case: values above the number of
   * processors mean a busy machine.
   */
  load: number[];
  /** Versions of the measured tools, by name. */
  versions: Record<string, string>;
}

export interface CaseReport {
  title: string;
  axis?: NonNullable<Case["axis"]>;
  results: Result[];
  verdicts: Verdict[];
  /** Profiles of porthole's contestants, for a case that missed a goal. */
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

/** Describes the machine, with the versions of the available tools. */
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
