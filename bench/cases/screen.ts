import { rmSync } from "node:fs";
import type { Case } from "../case.ts";
import { compare, type Result, summarise, timeCommand } from "../measure.ts";
import type { Stage } from "../stage.ts";
import { BenchTerminal, FRAME_END, pause } from "../terminal.ts";
import { LAST, writeDense, writeSparse } from "./access-log.ts";

const SIZE = { columns: 200, rows: 50 };
const SPARSE_BYTES = 12 * 2 ** 30;
const DENSE_BYTES = 2 * 2 ** 30;
const ENTER = "\r";

export const screen: Case = {
  title: "the screen at 50x200 on logs of 12 GiB (sparse, with real ends) and 2 GiB (dense), beside less",
  goals: [
    { text: "<= 1.5x node -e 0", result: "first text of the last page: porthole open +G", of: "ratio", atMost: 1.5 },
    { text: "<= 16 ms to any offset", result: "jump: porthole", of: "p95", atMost: 16 },
    { text: "p95 <= 8 ms a frame", result: "frame of a page: porthole", of: "p95", atMost: 8 },
    { text: "<= 300 bytes for one line", result: "bytes of a one-line scroll: porthole", of: "p95", atMost: 300 },
    { text: "<= 150 MB", result: "memory: porthole after all of it", of: "median", atMost: 150 },
    { text: "<= 150 MB", result: "memory, 12 GiB: porthole after all of it", of: "median", atMost: 150 },
  ],
  run: measureScreen,
};

async function measureScreen(stage: Stage): Promise<Result[]> {
  const pty = stage.program("pty", "-lutil");
  const sparse = `${stage.directory}/sparse.log`;
  const dense = `${stage.directory}/dense.log`;
  writeSparse(sparse, SPARSE_BYTES);
  writeDense(dense, DENSE_BYTES);
  try {
    const results = await firstText(stage, pty, sparse);
    for (const path of [sparse, dense]) {
      const name = path === sparse ? "12 GiB" : "2 GiB";
      results.push(...(await moves(pty, ["node", stage.porthole, "open", path], name, path === dense)));
    }
    return results;
  } finally {
    rmSync(sparse, { force: true });
    rmSync(dense, { force: true });
  }
}

/** From the start of the process to the bytes of the last line. */
function firstText(stage: Stage, pty: string, path: string): Promise<Result[]> {
  const shown = (command: string[]) => async () => {
    const started = performance.now();
    const terminal = new BenchTerminal(pty, SIZE, command, stage.env);
    try {
      await terminal.until((text) => text.includes(LAST));
      return performance.now() - started;
    } finally {
      await terminal.close();
    }
  };
  return compare(
    [
      { name: "node -e 0", run: () => timeCommand("node", ["-e", "0"]) },
      { name: "porthole open +G", role: "ours", run: shown(["node", stage.porthole, "open", path, "+G"]) },
      // Without -n it counts all lines before.
      ...(stage.has("less") ? [{ name: "less -n +G", run: shown(["less", "-n", "+G", path]) }] : []),
    ],
    { rounds: 15, group: "first text of the last page" },
  );
}

/**
 * Jumps, pages, single lines; then an hour's worth of them with searches and filters, and its
 * memory.
 */
async function moves(pty: string, command: string[], name: string, isGoal: boolean): Promise<Result[]> {
  const terminal = new BenchTerminal(pty, SIZE, command);
  const group = (what: string) => (isGoal ? what : `${what}, ${name}`);
  try {
    await terminal.until((text) => text.includes(FRAME_END));
    await terminal.quiet(500);
    const jumps: number[] = [];
    const pages: number[] = [];
    const bytes: number[] = [];
    for (let step = 0; step < 60; step++) {
      // Always another position: otherwise there is no frame.
      jumps.push(await terminal.frameAfter(`${((step * 37) % 98) + 1}%`));
      await pause(30);
      pages.push(await terminal.frameAfter(" "));
      await pause(30);
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
      ...summarise([{ name: "porthole", role: "ours", values: jumps }], { group: group("jump") }),
      ...summarise([{ name: "porthole", role: "ours", values: pages }], { group: group("frame of a page") }),
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
  }
}
