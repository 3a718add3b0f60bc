import { rmSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { Case } from "../case.ts";
import { compare, type Result, type Role, summarise, timeCommand } from "../measure.ts";
import type { Stage } from "../stage.ts";
import { BenchTerminal, FRAME_END } from "../terminal.ts";
import { LAST, writeDense, writeSparse } from "./access-log.ts";

const SIZE = { columns: 200, rows: 50 };
const SPARSE_BYTES = 12 * 2 ** 30;
const DENSE_BYTES = 2 * 2 ** 30;
const DENSE = "2 GiB";
const ENTER = "\r";
/** Steps of jumps, pages and single lines. Beside less, p95 must not depend on three samples. */
const STEPS = { alone: 60, besideLess: 150 };
/** A pause of this length follows the last byte of less's frame. */
const LESS_PAUSE_MS = 30;
const LESS = "less -n";

export const screen: Case = {
  title: "the screen at 50x200 on logs of 12 GiB (sparse, with real ends) and 2 GiB (dense), beside less",
  goals: [
    { text: "<= 1.45x node -e 0", result: "first text of the last page: porthole open +G", of: "ratio", atMost: 1.45 },
    {
      text: "p95 <= 3x less",
      result: "frame of a page: porthole",
      of: "p95",
      over: `frame of a page: ${LESS}`,
      atMost: 3,
    },
    { text: "<= 300 bytes for one line", result: "bytes of a one-line scroll: porthole", of: "p95", atMost: 300 },
    { text: "<= 150 MB", result: "memory: porthole after all of it", of: "median", atMost: 150 },
    { text: "<= 150 MB", result: "memory, 12 GiB: porthole after all of it", of: "median", atMost: 150 },
  ],
  needs: ["less"],
  run: measureScreen,
};

async function measureScreen(stage: Stage): Promise<Result[]> {
  const pty = stage.program("pty", "-lutil");
  const sparse = `${stage.directory}/sparse.log`;
  const dense = `${stage.directory}/dense.log`;
  try {
    writeSparse(sparse, SPARSE_BYTES);
    const results = await firstText(stage, pty, sparse);
    writeDense(dense, DENSE_BYTES);
    for (const path of [sparse, dense]) {
      const name = path === sparse ? "12 GiB" : DENSE;
      // In a hole less searches minutes for the end of a line.
      results.push(...(await moves(pty, { porthole: stage.porthole, path, name, isBesideLess: path === dense })));
    }
    return results;
  } finally {
    rmSync(sparse, { force: true });
    rmSync(dense, { force: true });
  }
}

/** Measures from the start of the process to the output of the last line. */
function firstText(stage: Stage, pty: string, path: string): Promise<Result[]> {
  const shown = (command: string[]) => async () => {
    const started = performance.now();
    await using terminal = new BenchTerminal(pty, SIZE, command, stage.env);
    await terminal.until((text) => text.includes(LAST));
    return performance.now() - started;
  };
  return compare(
    [
      { name: "node -e 0", run: () => timeCommand("node", ["-e", "0"]) },
      { name: "porthole open +G", role: "ours", run: shown(["node", stage.porthole, "open", path, "+G"]) },
      // Without -n, less counts all lines before the first frame.
      { name: "less -n +G", run: shown(["less", "-n", "+G", path]) },
    ],
    { rounds: 15, group: "first text of the last page" },
  );
}

/**
 * Measures jumps, pages and single lines; then the memory after an hour's amount of them, with
 * searches and filters.
 */
async function moves(
  pty: string,
  { porthole, path, name, isBesideLess }: { porthole: string; path: string; name: string; isBesideLess: boolean },
): Promise<Result[]> {
  const terminal = new BenchTerminal(pty, SIZE, ["node", porthole, "open", path]);
  const less = isBesideLess ? new BenchTerminal(pty, SIZE, ["less", "-n", path]) : undefined;
  const group = (what: string) => (name === DENSE ? what : `${what}, ${name}`);
  try {
    await terminal.until((text) => text.includes(FRAME_END));
    await terminal.quiet(500);
    await less?.quiet(500);
    const jumps: Pair = [[], []];
    const pages: Pair = [[], []];
    const bytes: number[] = [];
    for (let step = 0; step < (less ? STEPS.besideLess : STEPS.alone); step++) {
      // Always go to another position: otherwise there is no frame.
      for (const [times, keys] of [
        [jumps, `${((step * 37) % 98) + 1}%`],
        [pages, " "],
      ] as const) {
        times[0].push(await terminal.frameAfter(keys));
        await pause(30);
        if (less) times[1].push(await less.settled(keys, LESS_PAUSE_MS, (screen) => screen !== ""));
      }
      const before = terminal.received;
      await terminal.frameAfter("j");
      await pause(30);
      bytes.push(terminal.received - before);
    }
    for (let round = 0; round < 60; round++) {
      terminal.type(`/number ${round}[0-9]+5 ${ENTER}nnNN${" ".repeat(20)}${"j".repeat(40)}${"k".repeat(30)}`);
      await pause(40);
      terminal.type(`&error${ENTER}  bG+g&\x15${ENTER}xw`);
      await pause(60);
      terminal.type(`  kkw G b x${round}%FkG`);
      await pause(60);
    }
    terminal.type("\x1b");
    await terminal.quiet(500);
    const memory = terminal.memory();
    return [
      ...summarise(besideLess(jumps), { group: group("jump") }),
      ...summarise(besideLess(pages), { group: group("frame of a page") }),
      ...summarise([{ name: "porthole", role: "ours", values: bytes }], {
        group: group("bytes of a one-line scroll"),
        unit: "bytes",
      }),
      ...summarise([{ name: "porthole after all of it", role: "ours", values: [memory] }], {
        group: group("memory"),
        unit: "MB",
      }),
    ];
  } finally {
    await terminal.close();
    await less?.close();
  }
}

/** Times of porthole, then of less. */
type Pair = [number[], number[]];

function besideLess([porthole, less]: Pair): { name: string; role: Role; values: number[] }[] {
  return [
    ...(less.length === 0 ? [] : [{ name: LESS, role: "base" as const, values: less }]),
    { name: "porthole", role: "ours", values: porthole },
  ];
}
