import { availableParallelism, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { type Case, judge } from "./case.ts";
import { cases } from "./cases/index.ts";
import { warmOpenChild } from "./cases/warm-open.ts";
import { lacking } from "./needs.ts";
import { printCase, printHead } from "./print.ts";
import { type CaseReport, machine, type Report, saveReport } from "./report.ts";
import { run, setStage, wasInterrupted } from "./stage.ts";

const USAGE = `usage: npm run bench [-- CASE...]   measure, print, write bench/results/latest.json, docs/performance.md
                                       (a run of some cases: bench/results/CASE.json)
       npm run bench -- --list         the cases`;

// Node reads and parses these certificates at each start. This adds 40 to 80 ms to every time, so
// ratios to the start of Node would look better than users see them.
delete process.env.NODE_EXTRA_CA_CERTS;

main().catch((error: unknown) => {
  // The error of the ended command is expected.
  if (wasInterrupted()) return;
  console.error(error instanceof Error ? `bench: ${error.message}` : error);
  process.exitCode = 1;
});

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args[0] === "--warm-open-child") return warmOpenChild(args[1] ?? "");
  if (args.includes("--help") || args.includes("-h")) return console.log(USAGE);
  if (args.includes("--list"))
    return Object.entries(cases).forEach(([name, { title }]) => {
      console.log(`${name.padEnd(10)} ${title}`);
    });
  const names = args.length > 0 ? [...new Set(args)] : Object.keys(cases);
  const unknown = names.find((name) => !Object.hasOwn(cases, name));
  if (unknown !== undefined) return refuse(`no case '${unknown}'; there are: ${Object.keys(cases).join(", ")}`, 2);
  const missing = lacking(names.flatMap((name) => cases[name]?.needs ?? []));
  if (missing !== undefined) return refuse(missing, 1);
  const root = fileURLToPath(new URL("../", import.meta.url));
  const stage = await setStage(root);
  Object.assign(process.env, { DOCKER_HOST: stage.env.DOCKER_HOST, XDG_STATE_HOME: stage.env.XDG_STATE_HOME });
  const report: Report = { date: new Date().toISOString(), machine: machine(stage.env), notes: [], cases: {} };
  printHead(report);
  try {
    for (const name of names) {
      const measured = await measure(cases[name] as Case, stage);
      report.cases[name] = measured;
      printCase(name, measured);
      report.machine.load.push(loadavg()[0] ?? Number.NaN);
      // An interrupted run keeps its results.
      report.notes = [...stage.notes];
      saveReport(root, args.length === 0 ? "latest" : names.join("-"), report);
    }
  } finally {
    await stage.close();
  }
  for (const note of [...report.notes, ...busyNote(report.machine.load)]) console.log(`note: ${note}`);
  // A run of single cases does not update the page.
  if (args.length === 0) run(process.execPath, [`${root}scripts/performance.mjs`], process.env);
}

/** Notes if other processes were busy on the machine. */
function busyNote(load: readonly number[]): string[] {
  const [busiest, processors] = [Math.max(...load), availableParallelism()];
  return busiest > 1.5 * processors
    ? [`the machine was busy, a load of ${busiest.toFixed(1)} on ${processors} processors: repeat it where it is quiet`]
    : [];
}

/** Reports an error before the stage exists, and exits. */
function refuse(text: string, status: number): void {
  console.error(`bench: ${text}`);
  process.exitCode = status;
}

async function measure({ title, goals, axis, run }: Case, stage: Parameters<Case["run"]>[0]): Promise<CaseReport> {
  const started = performance.now();
  for (const name of Object.keys(stage.profiles)) delete stage.profiles[name];
  const results = await run(stage);
  const seconds = Math.round((performance.now() - started) / 1000);
  const verdicts = judge(goals, results);
  const isMissed = verdicts.some(({ isMet }) => !isMet);
  return {
    title,
    results,
    verdicts,
    seconds,
    ...(axis && { axis }),
    ...(isMissed && { profiles: { ...stage.profiles } }),
  };
}
