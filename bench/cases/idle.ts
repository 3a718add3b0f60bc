import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { Case } from "../case.ts";
import { type Result, type Role, summarise } from "../measure.ts";
import { run, type Stage } from "../stage.ts";

const CONTAINERS = 20;
const FILES = 10;
const ALL = CONTAINERS * FILES;
/**
 * Milliseconds of a measured window: a clock tick, 10 ms of processor time, is 0.2 % of it.
 */
const WINDOW_MS = 4000;
const WINDOWS = 5;
/** A file that changed recently is polled more often. */
const SETTLE_MS = 12_000;

export const idleFollow: Case = {
  title: `following ${ALL} quiet files in ${CONTAINERS} containers at once`,
  goals: [
    { text: "< 1 % of a core", result: "processor: porthole tail -F", of: "median", atMost: 1 },
    { text: "<= 150 MB resident", result: "memory: porthole tail -F", of: "median", atMost: 150 },
  ],
  run: followQuiet,
};

interface Measured extends Cost {
  name: string;
  role: Role;
}

/** One value of the process for each window. */
interface Cost {
  shares: number[];
  megabytes: number[];
}

/**
 * Compares with GNU tail on the same files through /proc/PID/root. GNU tail polls once a second,
 * because it treats overlayfs as remote.
 */
async function followQuiet({ porthole, env, crowd }: Stage): Promise<Result[]> {
  const containers = await crowd(CONTAINERS);
  const logs = Array.from({ length: FILES }, (_, index) => `/quiet/${index}.log`);
  const files = containers.flatMap(({ root }) => logs.map((log) => root + log));
  for (const { root } of containers) mkdirSync(`${root}/quiet`, { recursive: true });
  const targets = containers.flatMap(({ name }) => logs.map((log) => `${name}:${log}`));
  const followers = [
    { name: "tail -F on the host", role: "base" as const, command: ["tail", "-q", "-n", "1", "-F", ...files] },
    {
      name: "porthole tail -F",
      role: "ours" as const,
      command: ["node", porthole, "tail", "-q", "-n", "1", "-F", ...targets],
    },
  ];
  let measured: Measured[];
  try {
    for (const file of files) writeFileSync(file, "first\n");
    // All at the same time: idle processes do not disturb each other.
    const costs = await costsOf(
      followers.map(({ command }) => command),
      files,
      env,
    );
    measured = followers.map(({ name, role }, index) => ({ name, role, ...(costs[index] as Cost) }));
  } finally {
    for (const { root } of containers) rmSync(`${root}/quiet`, { recursive: true, force: true });
  }
  const values = (of: "shares" | "megabytes") =>
    measured.map(({ name, role, ...cost }) => ({ name, role, values: cost[of] }));
  return [
    ...summarise(values("shares"), { group: "processor", unit: "% of a core" }),
    ...summarise(values("megabytes"), { group: "memory", unit: "MB" }),
  ];
}

/**
 * Returns processor time and memory of idle followers that have printed the first two lines of
 * every file.
 */
async function costsOf(
  commands: readonly string[][],
  files: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Cost[]> {
  const children = commands.map(([command = "", ...args]) =>
    spawn(command, args, { env, stdio: ["ignore", "pipe", "inherit"] }),
  );
  const ended = children.map((child) => new Promise<void>((resolve) => child.once("close", () => resolve())));
  try {
    await Promise.all(children.map((child) => lines(child, files.length)));
    for (const file of files) appendFileSync(file, "second\n");
    await Promise.all(children.map((child) => lines(child, files.length)));
    await pause(SETTLE_MS);
    return await Promise.all(children.map(windowsOf));
  } finally {
    for (const child of children) child.kill();
    await Promise.all(ended);
  }
}

async function windowsOf({ pid }: ChildProcess): Promise<Cost> {
  const shares: number[] = [];
  const megabytes: number[] = [];
  const ticksPerSecond = Number(run("getconf", ["CLK_TCK"], process.env));
  for (let window = 0; window < WINDOWS; window++) {
    const started = performance.now();
    const before = processorMs(ticksPerSecond, pid);
    await pause(WINDOW_MS);
    shares.push((100 * (processorMs(ticksPerSecond, pid) - before)) / (performance.now() - started));
    megabytes.push(residentMegabytes(pid));
  }
  return { shares, megabytes };
}

/** Resolves after this many more lines. */
function lines({ stdout, exitCode }: ChildProcess, count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    if (!stdout || exitCode !== null) return reject(new Error("the follower has ended"));
    let left = count;
    const end = () => reject(new Error(`the follower ended ${left} lines early`));
    const take = (bytes: Buffer) => {
      left -= bytes.toString().split("\n").length - 1;
      if (left > 0) return;
      stdout.off("data", take).off("close", end);
      resolve();
    };
    stdout.on("data", take).on("close", end);
  });
}

/**
 * Returns the user and system time of a process with all its threads: proc_pid_stat(5), whose
 * second field may contain spaces.
 */
function processorMs(ticksPerSecond: number, pid = 0): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
    .replace(/^.*\) /s, "")
    .split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}

function residentMegabytes(pid = 0): number {
  return (Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]) * 1024) / 1e6;
}
