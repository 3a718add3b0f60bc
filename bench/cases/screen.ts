import { spawnSync } from "node:child_process";
import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from "node:fs";
import type { Case } from "../case.ts";
import { compare, type Result, summarise, timeCommand } from "../measure.ts";
import type { Stage } from "../stage.ts";
import { BenchTerminal, FRAME_END, pause } from "../terminal.ts";

const SIZE = { columns: 200, rows: 50 };
const SPARSE_BYTES = 12 * 2 ** 30;
const DENSE_BYTES = 2 * 2 ** 30;
const LAST = "the very last line";
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

export const screenSearch: Case = {
  title: "a search of a 2 GiB log in the screen, to its end, by two threads",
  goals: [
    { text: ">= 3 GB/s", result: "literal: porthole", of: "median", atMost: DENSE_BYTES / 3e6 },
    { text: ">= 1.5 GB/s", result: "regex: porthole", of: "median", atMost: DENSE_BYTES / 1.5e6 },
    { text: "cancel <= 50 ms", result: "cancel: porthole", of: "p95", atMost: 50 },
  ],
  run: measureSearch,
};

async function measureScreen(stage: Stage): Promise<Result[]> {
  const pty = stage.program("pty", "-lutil");
  const sparse = `${stage.directory}/sparse.log`;
  const dense = `${stage.directory}/dense.log`;
  writeSparse(sparse);
  writeDense(dense);
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
      // Without -n it counts the lines of all that is before.
      ...(stage.has("less") ? [{ name: "less -n +G", run: shown(["less", "-n", "+G", path]) }] : []),
    ],
    { rounds: 15, group: "first text of the last page" },
  );
}

/** Jumps, pages, single lines; then an hour's worth of them with searches and filters, and the memory that took. */
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
      // Never where it is already: then there would be no frame.
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
      terminal.type(`&error${ENTER}  bG+g&\x15${ENTER}xww G b x${round}%FkG`);
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

async function measureSearch(stage: Stage): Promise<Result[]> {
  const pty = stage.program("pty", "-lutil");
  const path = `${stage.directory}/dense.log`;
  writeDense(path);
  try {
    const terminal = new BenchTerminal(pty, SIZE, ["node", stage.porthole, "open", path]);
    await terminal.until((text) => text.includes(FRAME_END));
    await terminal.quiet(500);
    const results: Result[] = [];
    for (const [group, pattern] of [
      ["literal", "upstream timed out"],
      ["regex", 'HTTP/1\\.[01]" 50[234] [0-9]+ .*bot'],
    ] as const) {
      const found = Number(spawnSync("rg", ["--no-mmap", "-c", pattern, path]).stdout.toString());
      const total = found.toLocaleString("en");
      const ours = async () => {
        // The last frame is the one of the whole count. On a busy machine nothing may come for so long before it, too.
        const started = performance.now();
        let taken = await terminal.settled(`g/${pattern}${ENTER}`, 400);
        for (let shown = await terminal.redrawn(); !shown.includes(` of ${total} `); shown = await terminal.redrawn()) {
          if (performance.now() - started > 60_000)
            throw new Error(`${total} were to be found; the screen was ${shown}`);
          await terminal.quiet(400);
          taken = terminal.lastAt - started;
        }
        return taken;
      };
      const less = async () => {
        const pager = new BenchTerminal(pty, SIZE, ["less", "-n", path]);
        try {
          await pager.until((text) => text.includes("items"));
          const started = performance.now();
          // It stops at the first match: one that is nowhere takes it to the end.
          pager.type(`/${pattern.replace("upstream", "downstream").replace("bot", "nobot")}${ENTER}`);
          await pager.until((text) => text.includes("not found"));
          return performance.now() - started;
        } finally {
          await pager.close();
        }
      };
      results.push(
        ...(await compare(
          [
            { name: "rg --no-mmap -c", run: () => timeCommand("rg", ["--no-mmap", "-c", pattern, path]) },
            { name: "porthole", role: "ours", run: ours },
            ...(stage.has("less") ? [{ name: "less, nothing found", run: less, every: 5 }] : []),
            ...(stage.has("lnav")
              ? [
                  {
                    name: "lnav",
                    every: 5,
                    run: () => timeCommand("lnav", ["-n", "-c", `:filter-in ${pattern}`, path]),
                  },
                ]
              : []),
          ],
          { rounds: 5, group },
        )),
      );
    }
    results.push(...(await cancels(terminal)));
    await terminal.close();
    return results;
  } finally {
    rmSync(path, { force: true });
  }
}

/** From Esc to a frame that says so, while a search with nothing to find is under way. */
async function cancels(terminal: BenchTerminal): Promise<Result[]> {
  const values: number[] = [];
  for (let round = 0; round < 15; round++) {
    terminal.type(`g/no such ${round}${ENTER}`);
    await terminal.until((text) => text.includes("+ ("));
    const started = performance.now();
    terminal.type("\x1b");
    await terminal.until((text) => text.includes("cancelled"));
    values.push(performance.now() - started);
  }
  return summarise([{ name: "porthole", role: "ours", values }], { group: "cancel" });
}

function row(line: number): string {
  const status = line % 97 === 0 ? 502 : 200;
  const agent = line % 10_088 === 0 ? "Examplebot/2.1" : "Mozilla/5.0 (X11; Linux x86_64)";
  if (line % 20_000 === 7)
    return `2026/11/23 10:00:00 [error] 29#29: *${line} upstream timed out (110: Connection timed out)\n`;
  return `10.0.${line % 256}.${(line * 7) % 256} - - [23/Nov/2026:10:00:00 +0000] "GET /api/items/${line} HTTP/1.1" ${status} ${(line * 31) % 90_000} "-" "${agent}"\n`;
}

function rows(bytes: number): Buffer {
  let text = "";
  for (let line = 0; text.length < bytes; line++) text += row(line);
  return Buffer.from(text);
}

function writeDense(path: string): void {
  const block = rows(8 * 2 ** 20);
  const fd = openSync(path, "w");
  for (let written = 0; written < DENSE_BYTES; written += block.length) writeSync(fd, block);
  closeSync(fd);
}

/** Text at both ends, and a hole between. */
function writeSparse(path: string): void {
  const text = rows(2 ** 20);
  const fd = openSync(path, "w");
  writeSync(fd, text);
  ftruncateSync(fd, SPARSE_BYTES);
  const end = Buffer.concat([Buffer.from("\n"), text, Buffer.from(`${LAST}\n`)]);
  writeSync(fd, end, 0, end.length, SPARSE_BYTES - end.length);
  closeSync(fd);
}
