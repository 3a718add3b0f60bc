import { type ChildProcessByStdio, spawn } from "node:child_process";
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { writeSimulatedKubectl } from "../../test/helpers/simulated-kubectl.ts";
import type { Case } from "../case.ts";
import { type Contestant, compare, type Result, summarise, timeCommand, timePiped } from "../measure.ts";
import { run, type Stage } from "../stage.ts";
import { BenchTerminal } from "../terminal.ts";
import { LAST, writeSparse } from "./access-log.ts";

const SIZE = { columns: 200, rows: 50 };

/** Lists real containers that were created but never started. porthole lists them like others. */
export const listedContainers: Case = {
  title: "listing 1 to 1,000 containers",
  axis: { label: "containers", unit: "ms" },
  goals: [],
  run: async (stage) => {
    const results: Result[] = [];
    const pty = stage.program("pty", "-lutil");
    const created: string[] = [];
    try {
      for (const count of [1, 10, 100, 300, 1000]) {
        await createUntil(stage, created, count);
        results.push(...(await list(stage, pty, count)));
      }
    } finally {
      await inParallel(created, (id) => stage.docker.getContainer(id).remove());
    }
    return results;
  },
};

async function createUntil({ docker }: Stage, created: string[], count: number): Promise<void> {
  const names = Array.from({ length: count - created.length }, (_, index) => `listed-${created.length + index}`);
  await inParallel(names, async (name) => {
    const { id } = await docker.createContainer({ name, Image: "bench:1", Cmd: ["/busybox", "true"] });
    created.push(id);
  });
}

/** Eight at a time: more are no faster on two processors. */
async function inParallel<T>(items: readonly T[], action: (item: T) => Promise<unknown>): Promise<void> {
  const left = [...items];
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await action(item);
    }),
  );
}

function list({ porthole, env }: Stage, pty: string, count: number): Promise<Result[]> {
  const tab = [porthole, "__complete", "zsh", "--", "cat", "listed-"];
  const found = run("node", tab, env)
    .split("\n")
    .filter((line) => line.startsWith("listed-")).length;
  if (found < count) throw new Error(`Tab offered ${found} of ${count} containers`);
  const contestants: Contestant[] = [
    { name: "docker ps -a", run: () => timePiped("docker", ["ps", "-a", "--format", "{{.Names}}"], env) },
    { name: "porthole: Tab", role: "ours", run: () => timePiped("node", tab, env) },
    {
      name: "porthole: the screen's first list",
      role: "ours",
      run: async () => {
        const started = performance.now();
        await using terminal = new BenchTerminal(pty, SIZE, ["node", porthole], env);
        await terminal.until((text) => text.includes("listed-"));
        return performance.now() - started;
      },
    },
  ];
  return compare(contestants, { rounds: 7, x: count });
}

/** Measures the start of a follow, until each file's last line is printed; then single lines. */
export const followedFiles: Case = {
  title: "following 1 to 10,000 files of one container",
  axis: { label: "files", unit: "ms" },
  goals: [],
  run: async (stage) => {
    const { container, porthole } = stage;
    const results: Result[] = [];
    const folder = `${container.root}/followed`;
    run("node", [porthole, "cat", "--idle", "3600", `${container.name}:/busybox`], stage.env);
    try {
      for (const count of [1, 10, 100, 1000, 10_000]) {
        mkdirSync(folder, { recursive: true });
        const files = Array.from({ length: count }, (_, index) => `${folder}/${index}.log`);
        for (const file of files) writeFileSync(file, "first\n");
        results.push(...(await follow(stage, files, count)));
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    return results;
  },
};

async function follow({ container, porthole, env }: Stage, files: string[], count: number): Promise<Result[]> {
  const folder = `${container.root}/followed`;
  const tail = ["sh", "-c", `ulimit -n $(ulimit -Hn); cd ${folder}; exec tail -q -n 1 -F -- *.log`];
  const ours = ["node", porthole, "tail", "-q", "-n", "1", "-F", `${container.name}:/followed/*.log`];
  const followers = [
    { name: "tail -F on the host", command: tail },
    { name: "porthole tail -F", role: "ours" as const, command: ours },
  ];
  const starts: { name: string; role?: "ours"; values: number[] }[] = [];
  const appends: typeof starts = [];
  // Runs the followers one after the other: one that starts takes processor time from the others.
  for (const { command, ...who } of followers) {
    const [started, appended]: [number[], number[]] = [[], []];
    for (let round = 0; round < (count > 1000 ? 2 : 3); round++) {
      await using follower = await startFollower(command, count, env);
      started.push(follower.took);
      // Appends to files across the whole set. GNU tail polls once a second.
      for (let step = 0; step < 12; step++) {
        appended.push(await follower.appended(files[Math.floor((step * count) / 12) % count] as string));
        await pause(37);
      }
    }
    starts.push({ ...who, values: started });
    appends.push({ ...who, values: appended });
  }
  return [
    ...summarise(starts, { group: "start", x: count }),
    ...summarise(appends, { group: "append to line", x: count }),
  ];
}

interface Follower extends AsyncDisposable {
  /** Milliseconds until the last line of each file was printed. */
  took: number;
  /** Appends a line; returns the milliseconds until it is printed. */
  appended(file: string): Promise<number>;
}

async function startFollower(command: readonly string[], files: number, env: NodeJS.ProcessEnv): Promise<Follower> {
  const started = performance.now();
  const [program = "", ...args] = command;
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "ignore"] });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  await lines(child, files);
  return {
    took: performance.now() - started,
    appended: async (file) => {
      const printed = lines(child, 1);
      const from = performance.now();
      appendFileSync(file, "another\n");
      await printed;
      return performance.now() - from;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await ended;
    },
  };
}

/** Resolves after this many more lines. */
function lines({ stdout }: ChildProcessByStdio<null, Readable, null>, count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = count;
    const end = () => reject(new Error(`the follower ended ${left} lines early`));
    const take = (bytes: Buffer) => {
      for (const byte of bytes) if (byte === 10) left--;
      if (left > 0) return;
      stdout.off("data", take).off("close", end);
      resolve();
    };
    stdout.on("data", take).on("close", end);
  });
}

/** Shows sparse files, which have text at both ends. */
export const viewedSizes: Case = {
  title: "viewing the end of a file of 1 KB to 100 GB, and a jump to its middle",
  axis: { label: "KB", unit: "ms" },
  goals: [],
  needs: ["less"],
  run: async (stage) => {
    const results: Result[] = [];
    const pty = stage.program("pty", "-lutil");
    const path = `${stage.directory}/viewed.log`;
    try {
      for (const kilobytes of [1, 1e3, 1e5, 1e6, 1e7, 1e8]) {
        writeSparse(path, kilobytes * 1000);
        results.push(...(await view(stage, pty, path, kilobytes)));
      }
    } finally {
      rmSync(path, { force: true });
    }
    return results;
  },
};

async function view({ porthole, env }: Stage, pty: string, path: string, x: number): Promise<Result[]> {
  const jumps: number[] = [];
  const memory: number[] = [];
  const contestants: Contestant[] = [
    // Without -n, less counts all lines before the first frame.
    { name: "less -n +G", run: () => shown(pty, ["less", "-n", "+G", path], env) },
    {
      name: "porthole open +G",
      role: "ours",
      run: () =>
        shown(pty, ["node", porthole, "open", path, "+G"], env, async (terminal) => {
          await terminal.quiet(300);
          for (const key of ["50%", "G", "g"]) {
            // A file of one page has no other position.
            if (x > 1) jumps.push(await terminal.frameAfter(key));
            await pause(50);
          }
          memory.push(terminal.memory());
        }),
    },
  ];
  const first = await compare(contestants, { rounds: 5, group: "first text", x });
  const ours = (values: number[]) => [{ name: "porthole", role: "ours" as const, values }];
  return [
    ...first,
    ...(jumps.length > 0 ? summarise(ours(jumps), { group: "jump", x }) : []),
    ...summarise(ours(memory), { group: "memory", unit: "MB", x }),
  ];
}

/** Returns the milliseconds to the last line on the terminal; then runs `after`. */
async function shown(
  pty: string,
  command: string[],
  env: NodeJS.ProcessEnv,
  after: (terminal: BenchTerminal) => Promise<void> = async () => undefined,
): Promise<number> {
  const started = performance.now();
  await using terminal = new BenchTerminal(pty, SIZE, command, env);
  await terminal.until((text) => text.includes(LAST));
  const taken = performance.now() - started;
  await after(terminal);
  return taken;
}

/** Total number of lines of a run. It is constant, so only the number of places grows. */
const LINES_OF_ALL = 50_000;

export const manyPlaces: Case = {
  title: "merging 50,000 lines of 1 to 50 simulated nodes in the order of their times",
  axis: { label: "nodes", unit: "ms" },
  goals: [],
  run: async ({ directory, porthole, env }) => {
    const results: Result[] = [];
    const bin = `${directory}/places`;
    mkdirSync(bin);
    writeSimulatedKubectl(bin);
    const plugin = porthole.replace("porthole.js", "kubectl-porthole.js");
    for (const nodes of [1, 2, 5, 10, 25, 50]) {
      const numbers = { NODES: String(nodes), LINES: String(LINES_OF_ALL / nodes), FILES: "1" };
      const there = { ...env, ...numbers, PATH: `${bin}:${env.PATH}` };
      const words = ["tail", "--merge", "-q", "-n", "+1", "-l", "app=web"];
      const contestants: Contestant[] = [
        { name: "the simulated nodes alone", run: () => timeCommand("sh", ["-c", ALL_NODES], there) },
        {
          name: "kubectl porthole tail --merge",
          role: "ours",
          run: () => timePiped("node", [plugin, ...words], there),
        },
      ];
      results.push(...(await compare(contestants, { rounds: 5, x: nodes })));
    }
    return results;
  },
};

const ALL_NODES = "for k in $(seq 0 $((NODES - 1))); do kubectl exec porthole-$k > /dev/null 2>&1 & done; wait";
