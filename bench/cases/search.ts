import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import type { Case } from "../case.ts";
import { type Contestant, compare, type Result, summarise, timeCommand } from "../measure.ts";
import type { Stage } from "../stage.ts";
import { BenchTerminal, FRAME_END } from "../terminal.ts";
import { writeDense } from "./access-log.ts";

const SIZE = { columns: 200, rows: 50 };
const BYTES = 2 * 2 ** 30;
/** less takes 40 s for a GiB, lnav 20. */
const PAGER_BYTES = 64 * 2 ** 20;
const ENTER = "\r";

const PATTERNS = [
  ["literal", "upstream timed out"],
  ["regex", 'HTTP/1\\.[01]" 50[234] [0-9]+ .*bot'],
] as const;

export const screenSearch: Case = {
  title: "a search of a log of 2 GiB in the screen, to its end, by two threads; of 64 MiB beside less and lnav",
  goals: [
    { text: "<= 2x rg --no-mmap -c", result: "literal: porthole", of: "ratio", atMost: 2 },
    { text: "<= 1x rg --no-mmap -c", result: "regex: porthole", of: "ratio", atMost: 1 },
  ],
  needs: ["rg"],
  run: measureSearch,
};

async function measureSearch(stage: Stage): Promise<Result[]> {
  const path = `${stage.directory}/dense.log`;
  try {
    const results: Result[] = [];
    for (const bytes of [BYTES, PAGER_BYTES]) {
      writeDense(path, bytes);
      const terminal = openLog(stage, path);
      await terminal.until((text) => text.includes(FRAME_END));
      await terminal.quiet(500);
      const name = bytes === BYTES ? "" : ", 64 MiB";
      for (const [kind, pattern] of PATTERNS) {
        const peers = bytes === BYTES ? [] : pagers(stage, path, pattern);
        results.push(
          ...(await compare([...both(terminal, path, pattern), ...peers], { rounds: 5, group: kind + name })),
        );
      }
      if (bytes === BYTES) results.push(...(await cancelSearches(terminal)), ...(await cancelCounts(stage, path)));
      await terminal.close();
    }
    return results;
  } finally {
    rmSync(path, { force: true });
  }
}

function both(terminal: BenchTerminal, path: string, pattern: string): Contestant[] {
  const count = ["--no-mmap", "-c", pattern, path];
  const total = Number(spawnSync("rg", count).stdout.toString()).toLocaleString("en");
  const ours = async () => {
    // The last frame has the complete count. A busy machine may pause for a long time before it.
    const started = performance.now();
    let taken = await terminal.settled(`g/${pattern}${ENTER}`, 150);
    for (let shown = await terminal.redrawn(); !shown.includes(` of ${total} `); shown = await terminal.redrawn()) {
      if (performance.now() - started > 60_000) throw new Error(`${total} were to be found; the screen was ${shown}`);
      await terminal.quiet(150);
      taken = terminal.lastAt - started;
    }
    return taken;
  };
  return [
    { name: "rg --no-mmap -c", run: () => timeCommand("rg", count) },
    { name: "porthole", role: "ours", run: ours },
  ];
}

/** Runs each pager once. */
function pagers(stage: Stage, path: string, pattern: string): Contestant[] {
  const less = async () => {
    await using pager = new BenchTerminal(stage.program("pty", "-lutil"), SIZE, ["less", "-n", path]);
    await pager.until((text) => text.includes("items"));
    const started = performance.now();
    // less stops at the first match: a pattern without a match makes it read to the end.
    pager.type(`/${pattern.replace("upstream", "downstream").replace("bot", "nobot")}${ENTER}`);
    await pager.until((text) => text.includes("not found"));
    return performance.now() - started;
  };
  const lnav = () => timeCommand("lnav", ["-n", "-c", `:filter-in ${pattern}`, path]);
  return [
    ...(stage.has("less") ? [{ name: "less, nothing found", every: 10, run: less }] : []),
    ...(stage.has("lnav") ? [{ name: "lnav", every: 10, run: lnav }] : []),
  ];
}

/**
 * Measures from Esc to the frame that reports it, in milliseconds, during a search without a match.
 */
async function cancelSearches(terminal: BenchTerminal): Promise<Result[]> {
  const values: number[] = [];
  for (let round = 0; round < 15; round++) {
    terminal.type(`g/no such ${round}${ENTER}`);
    await terminal.until((text) => text.includes("+ ("));
    values.push(await untilCancelled(terminal));
  }
  return summarise([{ name: "porthole", role: "ours", values }], { group: "cancel" });
}

/** Measures the same during the line count of a log that porthole has just opened. */
async function cancelCounts(stage: Stage, path: string): Promise<Result[]> {
  const values: number[] = [];
  for (let round = 0; round < 10; round++) {
    const terminal = openLog(stage, path);
    await terminal.until((text) => text.includes(FRAME_END));
    await terminal.quiet(200);
    terminal.type("#");
    await terminal.until((text) => text.includes("counting"));
    values.push(await untilCancelled(terminal));
    await terminal.close();
  }
  return summarise([{ name: "porthole", role: "ours", values }], { group: "cancel counting" });
}

async function untilCancelled(terminal: BenchTerminal): Promise<number> {
  const started = performance.now();
  terminal.type("\x1b");
  await terminal.until((text) => text.includes("cancelled"));
  return performance.now() - started;
}

function openLog(stage: Stage, path: string): BenchTerminal {
  return new BenchTerminal(stage.program("pty", "-lutil"), SIZE, ["node", stage.porthole, "open", path]);
}
