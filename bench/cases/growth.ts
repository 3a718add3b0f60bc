import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync, writeFileSync } from "node:fs";
import type { Case } from "../case.ts";
import { type Contestant, compare, type Result, timeCommand, timePiped } from "../measure.ts";
import { run, type Stage, type StageContainer } from "../stage.ts";

/** Times a command whose output goes through a pipe. */
function piped({ env }: Stage, ...[command = "", ...args]: string[]): number {
  return timePiped(command, args, env);
}

/** Compares one command for all files with one command per file, and with a copy of all. */
export const manyFiles: Case = {
  title: "reading many small files of one container",
  axis: { label: "files", unit: "ms" },
  goals: [],
  run: async (stage) => {
    const { container, porthole, env } = stage;
    const results: Result[] = [];
    const folder = `${container.root}/many`;
    run("node", [porthole, "cat", "--idle", "3600", `${container.name}:/busybox`], env);
    try {
      for (const count of [1, 10, 100, 1000]) {
        mkdirSync(folder, { recursive: true });
        for (let index = 0; index < count; index++) writeFileSync(`${folder}/${index}`, `${index}\n`);
        const contestants: Contestant[] = [
          { name: "cat on the host, as root", run: () => piped(stage, "sh", "-c", `cat ${folder}/*`) },
          {
            name: "porthole cat",
            role: "ours",
            run: () => piped(stage, "node", porthole, "cat", `${container.name}:/many/*`),
          },
          {
            name: "docker exec cat",
            run: () => piped(stage, "docker", "exec", container.name, "/busybox", "sh", "-c", "/busybox cat /many/*"),
          },
          { name: "docker cp", run: () => piped(stage, "docker", "cp", `${container.name}:/many`, "-") },
        ];
        results.push(...(await compare(contestants, { rounds: 5, x: count })));
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    return results;
  },
};

/**
 * Reading holes of a tmpfs needs no memory. Reading those of the container's disk fills the page
 * cache, which took longer than the measured work.
 */
const IN_MEMORY = { from: 12_000, folder: "/dev/shm" };

/** A sparse file: this measures the transport of the bytes and not the disk. */
export const growingFile: Case = {
  title: "reading one file of a container, from 1 MB to 12 GB (sparse)",
  axis: { label: "MB", unit: "ms" },
  goals: [],
  run: async (stage) => {
    const { container, porthole, env } = stage;
    const results: Result[] = [];
    run("node", [porthole, "cat", "--idle", "3600", `${container.name}:/busybox`], env);
    for (const megabytes of [1, 10, 100, 1000, 12_000]) results.push(...(await readSparse(stage, megabytes)));
    return results;
  },
};

async function readSparse(stage: Stage, megabytes: number): Promise<Result[]> {
  const { container, porthole, notes } = stage;
  const inside = `${megabytes < IN_MEMORY.from ? "" : IN_MEMORY.folder}/growing`;
  const path = container.root + inside;
  const isSmall = megabytes <= 100;
  // The engine's commands take minutes for the largest file, so each runs once.
  const engine = (name: string, ...command: string[]): Contestant => ({
    name,
    every: isSmall ? 1 : 100,
    run: () => piped(stage, ...command),
  });
  const contestants: Contestant[] = [
    { name: "cat on the host, as root", run: () => piped(stage, "cat", path) },
    {
      name: "porthole cat",
      role: "ours",
      run: () => piped(stage, "node", porthole, "cat", `${container.name}:${inside}`),
    },
  ];
  if (megabytes <= 1000)
    contestants.push(
      engine("docker exec cat", "docker", "exec", container.name, "/busybox", "cat", inside),
      engine("docker cp", "docker", "cp", `${container.name}:${inside}`, "-"),
    );
  else
    notes.add(
      `size: docker exec and docker cp were not measured with ${megabytes.toLocaleString("en")} MB, because they take minutes`,
    );
  const fd = openSync(path, "w");
  ftruncateSync(fd, megabytes * 1e6);
  closeSync(fd);
  try {
    // The largest file has no warm-up.
    const warmUp = megabytes < IN_MEMORY.from ? 1 : 0;
    return await compare(contestants, { rounds: isSmall ? 5 : 2, warmUp, x: megabytes });
  } finally {
    rmSync(path, { force: true });
  }
}

/** One small file per container, with running agents. */
export const manyContainers: Case = {
  title: "reading a file in each of several containers",
  axis: { label: "containers", unit: "ms" },
  goals: [],
  run: async (stage) => {
    const { porthole, env } = stage;
    const results: Result[] = [];
    for (const count of [1, 2, 5, 10, 20]) {
      const crowd = await stage.crowd(count);
      const targets = crowd.map(({ name }) => `${name}:/etc/hostname`);
      run("node", [porthole, "cat", "--idle", "3600", ...targets], env);
      const contestants: Contestant[] = [
        {
          name: "cat on the host, as root",
          run: () =>
            timeCommand(
              "cat",
              crowd.map(({ root }) => `${root}/etc/hostname`),
              env,
            ),
        },
        { name: "porthole cat", role: "ours", run: () => timeCommand("node", [porthole, "cat", ...targets], env) },
        { name: "docker exec cat, one by one", run: () => oneByOne(crowd, env) },
      ];
      results.push(...(await compare(contestants, { rounds: count > 5 ? 3 : 5, x: count })));
    }
    return results;
  },
};

function oneByOne(crowd: readonly StageContainer[], env: NodeJS.ProcessEnv): number {
  const taken = crowd.map(({ name }) => timeCommand("docker", ["exec", name, "/busybox", "cat", "/etc/hostname"], env));
  return taken.reduce((sum, each) => sum + each, 0);
}
