import { spawn } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { Case } from "../case.ts";
import { type Result, summarise } from "../measure.ts";
import type { Stage } from "../stage.ts";
import { BenchTerminal, FRAME_END } from "../terminal.ts";

const SIZE = { columns: 200, rows: 50 };
const LINES_PER_SECOND = 100_000;
const SECONDS = 6;

/** Writes the due lines every 10 ms. */
const WRITER = `
const { openSync, writeSync } = require("node:fs");
const fd = openSync(process.argv[1], "a");
const total = ${LINES_PER_SECOND * SECONDS};
const started = performance.now();
let line = 0;
const turn = () => {
  const due = Math.min(total, Math.floor(((performance.now() - started) / 1000) * ${LINES_PER_SECOND}));
  let text = "";
  for (; line < due; line++) text += "2026-11-23T10:00:00Z INFO line " + line + " of a busy writer, as long as lines are\\n";
  if (text) writeSync(fd, text);
  if (line < total) setTimeout(turn, 10);
};
turn();
`;

export const busyWriter: Case = {
  title: `following a writer of ${LINES_PER_SECOND.toLocaleString("en")} lines a second at 50x200`,
  goals: [{ text: "no line missing from the index", result: "lines missing: porthole", of: "median", atMost: 0 }],
  run: followBusy,
};

async function followBusy(stage: Stage): Promise<Result[]> {
  const path = `${stage.directory}/busy.log`;
  writeFileSync(path, "first\n");
  const terminal = new BenchTerminal(stage.program("pty", "-lutil"), SIZE, [
    ...["node", stage.porthole, "open", "--follow", path],
  ]);
  try {
    await terminal.until((text) => text.includes(FRAME_END));
    await terminal.quiet(500);
    const writer = spawn(process.execPath, ["-e", WRITER, path], { stdio: "ignore" });
    const ended = new Promise<void>((resolve) => writer.once("close", () => resolve()));
    await pause(500);
    const keys: number[] = [];
    const frames: number[] = [];
    while (writer.exitCode === null) {
      // Pauses and resumes the follow. The mark at the left of the status row shows both states.
      for (const [key, mark] of [
        ["k", "PAUSED"],
        ["G", "FOLLOW"],
      ] as const) {
        const started = performance.now();
        terminal.type(key);
        await terminal.until((text) => text.includes(mark));
        keys.push(performance.now() - started);
        if (mark === "FOLLOW") {
          let before = performance.now();
          for (let frame = 0; frame < 20 && writer.exitCode === null; frame++) {
            terminal.type("");
            await terminal.until((text) => text.includes(FRAME_END));
            frames.push(performance.now() - before);
            before = performance.now();
          }
        }
      }
    }
    await ended;
    // Reads the last line and its number from the screen. The number comes from the index.
    const lines = readFileSync(path, "latin1").split("\n").length - 1;
    await terminal.settled("#", 400);
    const missing = (await terminal.redrawn()).includes(` ${lines} `) ? 0 : 1;
    return [
      ...summarise([{ name: "porthole", role: "ours", values: keys }], { group: "key" }),
      ...summarise([{ name: "porthole", role: "ours", values: frames }], { group: "time between frames" }),
      ...summarise([{ name: "porthole", role: "ours", values: [missing] }], { group: "lines missing", unit: "times" }),
    ];
  } finally {
    await terminal.close();
    rmSync(path, { force: true });
  }
}
