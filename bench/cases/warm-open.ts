import { connect } from "porthole";
import { quantile, type Result } from "../measure.ts";
import { run, type Stage } from "../stage.ts";

const COUNT = 10_000;
const ROUNDS = 5;

/** Open + pass + receive in a warm session against a loop in C, everything on one CPU: on two, wake-ups dominate. */
export async function warmOpen(stage: Stage): Promise<Result[]> {
  const program = stage.program("open-loop");
  const base: number[] = [];
  const ours: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    base.push(
      ...numbers(
        run(
          "taskset",
          ["-c", "0", program, `/proc/${stage.container.pid}/root`, "/etc/hostname", String(COUNT)],
          stage.env,
        ),
      ),
    );
    const self = [process.execPath, process.argv[1] ?? "", "--warm-open-child", String(stage.container.pid)];
    ours.push(...numbers(run("taskset", ["-c", "0", ...self], stage.env)));
  }
  const result = (name: string, values: number[]): Result => ({
    name,
    median: quantile(values, 0.5) / 1000,
    p95: quantile(values, 0.95) / 1000,
    p99: quantile(values, 0.99) / 1000,
    ratio: quantile(values, 0.5) / quantile(base, 0.5),
    samples: values.length,
  });
  return [result("C to C", base), result("porthole", ours)];
}

/** Runs in a process of its own, pinned: prints the microseconds of each open. */
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

function numbers(text: string): number[] {
  return text.trim().split("\n").map(Number);
}
