import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Case } from "../case.ts";
import { FAR_NAMES, type FarMachines, type FarName, startFarMachines } from "../far-machine.ts";
import { compare, quantile, type Result, summarise, timeCommand } from "../measure.ts";
import type { Stage } from "../stage.ts";
import { BenchTerminal } from "../terminal.ts";

const SIZE = { columns: 120, rows: 40 };
const LOG = "/log";
const [LINES, INTERVAL_MS, ROUNDS] = [1500, 2, 3];
const SHOWN = "line 7 of the log";

const CAT = "porthole cat";
const OPEN = "porthole open";
const EXEC = "ssh -t HOST docker exec -it less";
const MERGE = "porthole tail -F --merge";

export const remoteEngines: Case = {
  title: "containers of other machines by ssh: engines in namespaces of their own behind an sshd, without a network",
  goals: [
    { text: "<= 1.2x docker exec cat", result: `a small file: ${CAT}`, of: "ratio", atMost: 1.2 },
    { text: "<= 1.3x ssh -t less", result: `first text: ${OPEN}`, of: "ratio", atMost: 1.3 },
    {
      // ssh alone shows no file of a container: this is what a user would run instead.
      text: "<= 1.3x ssh -t docker exec less",
      result: `first text: ${OPEN}`,
      of: "median",
      over: `first text: ${EXEC}`,
      atMost: 1.3,
    },
    { text: "p50 <= 5 ms over the slower engine", result: `added by the merge: ${MERGE}`, of: "median", atMost: 5 },
  ],
  needs: ["ssh", "ssh-keygen", "sshd", "less"],
  run: async (stage) => {
    await using machines = await startFarMachines(stage);
    return [
      ...(await smallFile(stage, machines)),
      ...(await firstText(stage, machines)),
      ...(await mergedLines(stage, machines)),
    ];
  },
};

/** Measures with a running helper. */
function smallFile({ porthole }: Stage, { env, host, inside }: FarMachines): Promise<Result[]> {
  const far = { ...env, DOCKER_HOST: host };
  inside("one", "/busybox", "sh", "-c", "echo text > /small");
  return compare(
    [
      { name: "docker exec cat", run: () => timeCommand("docker", ["exec", "web", "/busybox", "cat", "/small"], far) },
      { name: CAT, role: "ours", run: () => timeCommand("node", [porthole, "cat", "web:/small"], far) },
    ],
    { rounds: 11, group: "a small file" },
  );
}

/**
 * Measures from the start of the local command to the text on its terminal. An exec is the only way
 * into a container, so docker's own exec on the host shows what it costs.
 */
async function firstText(stage: Stage, { env, host, ssh, inside }: FarMachines): Promise<Result[]> {
  const pty = stage.program("pty", "-lutil");
  const path = `${stage.directory}/shown.log`;
  const lines = Array.from({ length: 1000 }, (_, at) => `line ${at + 1} of the log\n`).join("");
  writeFileSync(path, lines);
  inside("one", "/busybox", "sh", "-c", `for i in $(/busybox seq 1000); do echo line $i of the log; done > /shown`);
  const shown = (command: string[], variables: NodeJS.ProcessEnv) => async () => {
    const started = performance.now();
    await using terminal = new BenchTerminal(pty, SIZE, command, variables);
    await terminal.until((text) => text.includes(SHOWN));
    return performance.now() - started;
  };
  const [program = "", ...options] = ssh;
  const there = (...command: string[]) => [program, "-t", ...options, ...command];
  const far = { ...env, DOCKER_HOST: host };
  const open = ["node", stage.porthole, "open", "web:/shown"];
  const exec = ["docker", "-H", `unix://${new URL(host).pathname}`, "exec", "-it", "web", "/busybox", "less", "/shown"];
  // A screen writes V8's cache at its end.
  const warm = new BenchTerminal(pty, SIZE, open, far);
  await warm.until((text) => text.includes(SHOWN));
  warm.type("q");
  await warm.ended;
  return compare(
    [
      { name: "ssh -t HOST less", run: shown(there("less", path), env) },
      {
        name: OPEN,
        role: "ours",
        run: shown(open, far),
      },
      {
        name: "ssh -t HOST porthole open",
        role: "ours",
        run: shown(there(process.execPath, stage.porthole, "open", path), env),
      },
      { name: EXEC, run: shown(there(...exec), env) },
    ],
    { rounds: 11, group: "first text" },
  );
}

/**
 * Measures from a line's write(2) to its local arrival. Both engines write at the same time.
 * Without --merge, lines are printed as they arrive. The slower engine is the base for the delay
 * that the merge adds.
 */
async function mergedLines(stage: Stage, machines: FarMachines): Promise<Result[]> {
  const unordered = new Map(FAR_NAMES.map((name) => [name, [] as number[]]));
  const merged: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, taken] of await latencies(stage, machines, [])) unordered.get(name)?.push(...taken);
    for (const [, taken] of await latencies(stage, machines, ["--merge"])) merged.push(...taken);
  }
  const slower = [...unordered.values()].sort((a, b) => quantile(b, 0.5) - quantile(a, 0.5))[0] ?? [];
  const base = quantile(slower, 0.5);
  return [
    ...summarise(
      [
        { name: "porthole tail -F, the slower engine", values: slower },
        { name: MERGE, role: "ours", values: merged },
      ],
      { group: "append to line" },
    ),
    ...summarise([{ name: MERGE, role: "ours", values: merged.map((value) => value - base) }], {
      group: "added by the merge",
    }),
  ];
}

/**
 * Returns the milliseconds of each line, by engine, for lines that were written while both engines
 * wrote.
 */
async function latencies(
  { porthole }: Stage,
  { env, inside }: FarMachines,
  options: readonly string[],
): Promise<Map<FarName, number[]>> {
  for (const name of FAR_NAMES) inside(name, "/busybox", "sh", "-c", `echo 2000-01-01T00:00:00Z ready > ${LOG}`);
  const targets = FAR_NAMES.map((name) => `${name}!web:${LOG}`);
  const args = [porthole, "tail", "-F", "-n1", "--prefix", ...options, ...targets];
  const child = spawn("node", args, { env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const lines = new Map(FAR_NAMES.map((name) => [name, [] as Line[]]));
  let ready = 0;
  try {
    for await (const line of createInterface(child.stdout)) {
      const now = Number(process.hrtime.bigint());
      const [prefix = "", text = ""] = line.split(" | ");
      if (line.endsWith(" ready")) {
        if (++ready === FAR_NAMES.length) for (const name of FAR_NAMES) append(inside, name);
        continue;
      }
      const written = Number(text.split(" ")[1]);
      lines.get(prefix.slice(0, prefix.indexOf("!")) as FarName)?.push({ written, taken: (now - written) / 1e6 });
      if ([...lines.values()].every(({ length }) => length === LINES)) return whileBothWrote(lines);
    }
  } finally {
    child.kill();
    await ended;
  }
  throw new Error(`porthole ${args.slice(1).join(" ")} ended after ${[...lines.values()].flat().length} lines`);
}

interface Line {
  /** CLOCK_MONOTONIC in nanoseconds. */
  written: number;
  /** Milliseconds until its local arrival. */
  taken: number;
}

function whileBothWrote(lines: ReadonlyMap<FarName, readonly Line[]>): Map<FarName, number[]> {
  const all = [...lines.values()];
  const from = Math.max(...all.map((each) => each[0]?.written ?? 0));
  const to = Math.min(...all.map((each) => each.at(-1)?.written ?? 0));
  return new Map(
    [...lines].map(([name, each]) => [
      name,
      each.filter(({ written }) => written >= from && written <= to).map(({ taken }) => taken),
    ]),
  );
}

function append(inside: FarMachines["inside"], name: FarName): void {
  inside(name, "/busybox", "sh", "-c", `/append ${LOG} ${LINES} ${INTERVAL_MS} iso < /dev/null > /dev/null 2>&1 &`);
}
