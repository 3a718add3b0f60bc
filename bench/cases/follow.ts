import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Readable } from "node:stream";
import type { Case } from "../case.ts";
import { type Result, type Role, summarise } from "../measure.ts";
import { run, type Stage } from "../stage.ts";

const ROUNDS = 4;
const LINES = 50;
const INTERVAL_MS = 20;
const FIRST = "ready";
const TAIL = "/usr/bin/tail";

const FLOOR = "inotify in C on the host";

/** A file in the container's layer, and a file in its tmpfs. */
const places = { layer: "/data/live", tmpfs: "/dev/shm/live" };

const beside = (place: string) => ({ result: `${place}: porthole tail -f`, over: `${place}: ${FLOOR}` });

export const followLatency: Case = {
  title: "append in the container to the line on the host's standard output",
  goals: ["layer", "tmpfs"].flatMap((place) => [
    { ...beside(place), text: "p50 <= 5x inotify in C", of: "median" as const, atMost: 5 },
    { ...beside(place), text: "p99 <= 10x inotify in C", of: "p99" as const, atMost: 10 },
  ]),
  run: followBoth,
};

/**
 * Measures from a line's write(2) in the container to its arrival on the host, compared with GNU
 * tail in the container. GNU tail treats overlayfs as a remote file system and polls it once a
 * second. On other file systems inotify wakes it.
 */
async function followBoth(stage: Stage): Promise<Result[]> {
  const waiter = stage.program("follow");
  const root = `/proc/${stage.container.pid}/root`;
  mkdirSync(`${root}/data`, { recursive: true });
  copyFileSync(stage.program("append", "-static"), `${root}/append`);
  installTail(root);
  const results: Result[] = [];
  for (const [place, log] of Object.entries(places)) {
    results.push(...(await follow(stage, root, log, place, waiter)));
  }
  return results;
}

async function follow(
  { env, porthole, container }: Stage,
  root: string,
  log: string,
  group: string,
  waiter: string,
): Promise<Result[]> {
  const inside = (...args: string[]) => ["exec", container.name, ...args];
  const followers: { name: string; role?: Role; command: string[]; stop?: () => void }[] = [
    { name: FLOOR, command: [waiter, `${root}${log}`] },
    {
      name: "docker exec tail -f",
      command: ["docker", ...inside("/busybox", "sh", "-c", `echo $$ > /data/tail.pid; exec ${TAIL} -n 1 -f ${log}`)],
      // The engine does not end the process when its client ends.
      stop: () => run("docker", inside("/busybox", "sh", "-c", "kill $(/busybox cat /data/tail.pid)"), env),
    },
    {
      name: "porthole tail -f",
      role: "ours",
      command: ["node", porthole, "tail", "-n", "1", "-f", `${container.name}:${log}`],
    },
    { name: "tail -f on the host", command: [TAIL, "-n", "1", "-f", `${root}${log}`] },
  ];
  const write = () => run("docker", ["exec", "-d", container.name, "/append", log, `${LINES}`, `${INTERVAL_MS}`], env);
  const samples = followers.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, { command, stop }] of followers.entries()) {
      writeFileSync(`${root}${log}`, `${FIRST}\n`);
      samples[index]?.push(...(await latencies(command, env, write, stop)));
    }
  }
  return summarise(
    followers.map(({ name, role }, index) => ({ name, ...(role && { role }), values: samples[index] ?? [] })),
    { group },
  );
}

/**
 * Returns the milliseconds from the write of each line by `write` to its arrival on the standard
 * output of `command`.
 */
async function latencies(
  [command = "", ...args]: string[],
  env: NodeJS.ProcessEnv,
  write: () => void,
  stop?: () => void,
): Promise<number[]> {
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const taken: number[] = [];
  try {
    for await (const { line, at } of lines(child, child.stdout)) {
      if (line === FIRST) write();
      else taken.push(Number(at - BigInt(line.slice(0, line.indexOf(" ")))) / 1e6);
      if (taken.length === LINES) break;
    }
  } finally {
    stop?.();
    child.kill();
    await ended;
  }
  if (taken.length < LINES) throw new Error(`${command} ${args.join(" ")} ended after ${taken.length} lines`);
  return taken;
}

/** Yields lines with their time of arrival. */
async function* lines(child: ChildProcess, output: Readable): AsyncGenerator<{ line: string; at: bigint }> {
  const arrived: { text: string; at: bigint }[] = [];
  let wake = () => {};
  let isOver = false;
  output.setEncoding("utf8").on("data", (text: string) => {
    arrived.push({ text, at: process.hrtime.bigint() });
    wake();
  });
  child.once("close", () => {
    isOver = true;
    wake();
  });
  let rest = "";
  for (;;) {
    for (let next = arrived.shift(); next !== undefined; next = arrived.shift()) {
      const parts = (rest + next.text).split("\n");
      rest = parts.pop() ?? "";
      for (const line of parts) yield { line, at: next.at };
    }
    if (isOver) return;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}

/** Copies the local tail with its libraries into the container. */
function installTail(root: string): void {
  const libraries = run("ldd", [TAIL], process.env).match(/\/\S+/g) ?? [];
  for (const path of [TAIL, ...libraries]) {
    mkdirSync(root + dirname(path), { recursive: true });
    copyFileSync(path, root + path);
  }
}
