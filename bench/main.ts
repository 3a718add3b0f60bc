import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { fileURLToPath } from "node:url";
import { bigCat } from "./cases/big-cat.ts";
import { coldAttach } from "./cases/cold-attach.ts";
import { completeKey } from "./cases/complete.ts";
import { followLatency } from "./cases/follow.ts";
import { grepLog } from "./cases/grep.ts";
import { listTree } from "./cases/list.ts";
import { smallCat } from "./cases/small-cat.ts";
import { warmOpen, warmOpenChild } from "./cases/warm-open.ts";
import type { Result } from "./measure.ts";
import { type Stage, setStage } from "./stage.ts";

/** What each case promises: the design's number for the ratio of the contestant named to the first one. */
const cases: Record<string, { run: (stage: Stage) => Promise<Result[]>; goal: string }> = {
  open: { run: warmOpen, goal: "porthole <= 2x C to C (p50)" },
  small: { run: smallCat, goal: "porthole cat <= 1.4x, --version <= 1.2x node -e 0" },
  cold: { run: coldAttach, goal: "each attach <= 1.3x its base" },
  cat: { run: bigCat, goal: "porthole cat at >= 0.9x the speed of cat (ratio <= 1.11)" },
  grep: { run: grepLog, goal: "porthole grep: literal at >= 3 GB/s (358 ms), regex at >= 1.5 GB/s (716 ms)" },
  follow: { run: followLatency, goal: "porthole tail -f p50 <= 3 ms, p99 <= 20 ms" },
  list: { run: listTree, goal: "porthole ls -lR against docker exec ls -lR and ls on the host (no number is set)" },
  complete: { run: completeKey, goal: "each key <= 1.5x node -e 0" },
};

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});

/** `npm run bench [-- CASE...]`: measures, prints a table, and writes bench/results/latest.json. */
async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args[0] === "--warm-open-child") return warmOpenChild(args[1] ?? "");
  const names = args.length > 0 ? args : Object.keys(cases);
  const unknown = names.find((name) => cases[name] === undefined);
  if (unknown !== undefined) throw new Error(`no case '${unknown}'; there are: ${Object.keys(cases).join(", ")}`);
  const root = fileURLToPath(new URL("../", import.meta.url));
  const stage = await setStage(root);
  Object.assign(process.env, { DOCKER_HOST: stage.env.DOCKER_HOST, XDG_STATE_HOME: stage.env.XDG_STATE_HOME });
  const all: Record<string, Result[]> = {};
  console.log(
    `${new Date().toISOString()}, ${cpus().length} x ${cpus()[0]?.model}, Linux ${release()}, Node ${process.version}\n`,
  );
  try {
    for (const name of names) {
      const { run, goal } = cases[name] as (typeof cases)[string];
      all[name] = await run(stage);
      print(name, goal, all[name]);
    }
  } finally {
    await stage.close();
  }
  mkdirSync(`${root}bench/results`, { recursive: true });
  writeFileSync(
    `${root}bench/results/latest.json`,
    `${JSON.stringify({ date: new Date(), cases: all }, undefined, 2)}\n`,
  );
}

function print(name: string, goal: string, results: Result[]): void {
  console.log(`${name}: ${goal}`);
  for (const { name: who, median, p95, p99, ratio, samples } of results) {
    const times = [median, p95, p99].map((value) => `${value.toFixed(3)}`.padStart(10)).join("");
    console.log(`  ${who.padEnd(26)}${times} ms ${`${ratio.toFixed(2)}x`.padStart(8)}  (${samples})`);
  }
  console.log();
}
