import { appendFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { Case } from "../case.ts";
import { type Result, summarise } from "../measure.ts";
import type { Stage } from "../stage.ts";
import { BenchTerminal, FRAME_END } from "../terminal.ts";
import { rows } from "./access-log.ts";

const SIZE = { columns: 200, rows: 50 };
const MINUTES = 60;
const ENTER = "\r";
/** Bytes written per minute; half of them before the screen is read. */
const PER_MINUTE = 2 ** 22;

export const hourReplayed: Case = {
  title: `an hour of looking at a log at 50x200, replayed: scrolling, searching, filtering, following ${(PER_MINUTE * MINUTES) / 2 ** 20} MiB through nine rotations`,
  goals: [
    { text: "<= 150 MB after the hour", result: "memory: porthole", of: "median", atMost: 150 },
    { text: "the end of each minute seen", result: "ends missed: porthole", of: "median", atMost: 0 },
  ],
  run: replay,
};

async function replay(stage: Stage): Promise<Result[]> {
  const path = `${stage.directory}/replay.log`;
  const written = [path];
  writeFileSync(path, rows(2 ** 26));
  const terminal = new BenchTerminal(stage.program("pty", "-lutil"), SIZE, [
    "node",
    stage.porthole,
    "open",
    path,
    "+F",
  ]);
  const samples: number[] = [];
  let missing = 0;
  try {
    await terminal.until((text) => text.includes(FRAME_END));
    await terminal.quiet(500);
    for (let minute = 0; minute < MINUTES; minute++) {
      // logrotate runs every sixth minute.
      if (minute % 6 === 5) {
        renameSync(path, `${path}.${minute}`);
        written.push(`${path}.${minute}`);
        writeFileSync(path, "");
        await pause(60);
      }
      appendFileSync(path, rows(PER_MINUTE / 2));
      for (const keys of lookingAround(minute)) {
        terminal.type(keys);
        await pause(30);
      }
      const marker = `the end of minute ${minute}`;
      appendFileSync(path, `${rows(PER_MINUTE / 2)}${marker}\n`);
      terminal.type("G");
      // The last written line is on the screen of the follower.
      await terminal.quiet(100);
      if (!(await terminal.redrawn()).includes(marker)) missing++;
      samples.push(terminal.memory());
    }
    return [
      ...summarise([{ name: "porthole", role: "ours", values: samples.slice(-10) }], { group: "memory", unit: "MB" }),
      ...summarise([{ name: "porthole", role: "ours", values: samples.slice(0, 10) }], {
        group: "memory, first ten minutes",
        unit: "MB",
      }),
      ...summarise([{ name: "porthole", role: "ours", values: [missing] }], { group: "ends missed", unit: "times" }),
    ];
  } finally {
    await terminal.close();
    for (const file of written) rmSync(file, { force: true });
  }
}

/** Returns about sixty keys, as a user presses them to read a log. */
function lookingAround(minute: number): string[] {
  return [
    "bbbb",
    "kkkkkkkkkk",
    `/items/${minute}[0-9]+5 ${ENTER}`,
    "nnn",
    "NN",
    "&error",
    ENTER,
    "bb  ",
    "&\x15",
    ENTER,
    "w",
    "b b b",
    "w",
    `${(minute * 37) % 98}%`,
    "jjjjjjjj",
    "x",
    "  b",
    "x",
    "J",
    "JJ",
    "#",
    "#",
  ];
}
