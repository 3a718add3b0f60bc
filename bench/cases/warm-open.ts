import { connect } from "porthole";
import type { Case } from "../case.ts";
import { type Result, type Role, summarise } from "../measure.ts";
import { run, type Stage } from "../stage.ts";

const COUNT = 10_000;
const ROUNDS = 5;

/** Runs everything on one CPU: on two, wake-ups dominate. */
export const warmOpen: Case = {
  title: "open + pass + receive in a warm session, one CPU",
  goals: [{ text: "<= 1.9x C to C", result: "porthole", of: "ratio", atMost: 1.9 }],
  run: openWarm,
};

async function openWarm({ container, env, program, root, has, profile }: Stage): Promise<Result[]> {
  const args = [container.root, "/etc/hostname", String(COUNT)];
  const loops: { name: string; role?: Role; command: string[]; values: number[] }[] = [
    { name: "C to C", command: [program("open-loop"), ...args], values: [] },
    {
      name: "porthole",
      role: "ours",
      command: [process.execPath, process.argv[1] ?? "", "--warm-open-child", String(container.pid)],
      values: [],
    },
  ];
  if (has("python3"))
    loops.push({
      name: "Python's recv_fds",
      command: ["python3", `${root}bench/python/open-loop.py`, ...args],
      values: [],
    });
  for (let round = 0; round < ROUNDS; round++)
    for (const { command, values } of loops)
      values.push(
        ...run("taskset", ["-c", "0", ...command], env)
          .trim()
          .split("\n")
          .map(Number),
      );
  profile("porthole", [process.argv[1] ?? "", "--warm-open-child", String(container.pid)]);
  return summarise(loops, { unit: "us" });
}

/** Runs in a separate pinned process: prints the microseconds of each open. */
export async function warmOpenChild(pid: string): Promise<void> {
  const session = await connect(`pid:${pid}`);
  const lines: string[] = [];
  for (let index = -COUNT; index < COUNT; index++) {
    const started = performance.now();
    const file = await session.open("/etc/hostname");
    const taken = performance.now() - started;
    file.close();
    if (index >= 0) lines.push((taken * 1000).toFixed(2));
  }
  session.close();
  process.stdout.write(`${lines.join("\n")}\n`);
}
