import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import type { Case } from "../case.ts";
import { type Contestant, compare, type Result, timeCommand, timePiped } from "../measure.ts";
import { run, type Stage } from "../stage.ts";

const DIRECTORIES = 100;
const FILES = 100;
const GIBIBYTE = 1024;

/** `with` and `cp` against the same tools on a local copy. */
export const hostTools: Case = {
  title: "a host's tool on a directory of the container, the start of with, and a copy of 1 GiB",
  goals: [
    {
      text: "<= 1.05x rg on a local copy in an overlay + the start",
      result: "search in a layer: porthole with -- rg",
      of: "ratio",
      atMost: 1,
    },
    {
      text: "<= 1.05x rg on a local copy + the start",
      result: "search in a volume: porthole with -- rg",
      of: "ratio",
      atMost: 1,
    },
    { text: "<= 1.3x with on a file", result: "start: porthole with on a tree", of: "ratio", atMost: 1.3 },
    { text: "<= 1.1x cp", result: "1 GiB: porthole cp", of: "ratio", atMost: 1.1 },
  ],
  needs: ["rg"],
  run: async (stage) => [
    ...(await searchLayer(stage)),
    ...(await searchVolume(stage)),
    ...(await startOnTree(stage)),
    ...(await copyFile(stage)),
  ],
};

/**
 * Measures a search in the container's own file system, an overlay. An overlay costs ripgrep a
 * third more than the file system below it, so the local copy is in an overlay too.
 */
async function searchLayer(stage: Stage): Promise<Result[]> {
  const { env, directory } = stage;
  const layers = `${directory}/overlay`;
  const overlay = `${layers}/merged`;
  for (const name of ["lower", "upper", "work", "merged"]) mkdirSync(`${layers}/${name}`, { recursive: true });
  const options = `lowerdir=${layers}/lower,upperdir=${layers}/upper,workdir=${layers}/work`;
  run("mount", ["-t", "overlay", "overlay", "-o", options, overlay], env);
  try {
    const copy = { name: "rg on a local copy in an overlay", root: `${overlay}/copy` };
    const plain = { name: "rg on a local copy", root: `${directory}/copy` };
    return await searchTree(stage, "search in a layer", "/tree", [copy, plain]);
  } finally {
    run("umount", [overlay], env);
    rmSync(layers, { recursive: true, force: true });
  }
}

/** Measures a search in a volume, which is on the same file system as the local copy. */
function searchVolume(stage: Stage): Promise<Result[]> {
  const copy = { name: "rg on a local copy", root: `${stage.directory}/copy` };
  return searchTree(stage, "search in a volume", `${stage.volume}/tree`, [copy]);
}

/**
 * Measures a search on the tree. The base is the goal: a multiple of ripgrep's time on the first
 * copy, plus an empty `with` on the tree. All run the same ripgrep in the directory.
 */
async function searchTree(
  stage: Stage,
  group: string,
  path: string,
  copies: { name: string; root: string }[],
): Promise<Result[]> {
  const { env, porthole, container } = stage;
  const inside = `${container.root}${path}`;
  const start = [porthole, "with", `${container.name}:${path}`, "--"];
  const ours = [...start, "rg", "9 line", "."];
  try {
    for (const root of [inside, ...copies.map((copy) => copy.root)]) fill(root);
    const found = run("node", [...ours, "-I", "--sort=path"], env);
    for (const { root } of copies)
      if (found === "" || found !== run("rg", ["-I", "--sort=path", "9 line", "."], env, root))
        throw new Error("different lines were found");
    stage.profile(`${group}: porthole with -- rg`, ours);
    const locals = copies.map(({ name, root }) => ({
      name,
      run: () => timePiped("rg", ["9 line", "."], env, root),
    }));
    const [local] = locals;
    const contestants: Contestant[] = [
      {
        name: `1.05x ${local?.name} + the start`,
        run: () => 1.05 * (local?.run() ?? Number.NaN) + timePiped("node", [...start, "true"], env),
      },
      { name: "porthole with -- rg", role: "ours", run: () => timePiped("node", ours, env) },
      ...locals,
    ];
    return await compare(contestants, { group, rounds: 15 });
  } finally {
    for (const root of [inside, ...copies.map((copy) => copy.root)]) rmSync(root, { recursive: true, force: true });
  }
}

function fill(root: string): void {
  for (let directory = 0; directory < DIRECTORIES; directory++) {
    mkdirSync(`${root}/${directory}`, { recursive: true });
    for (let file = 0; file < FILES; file++)
      writeFileSync(`${root}/${directory}/${file}`, `${file} ${"line\n".repeat(100)}`);
  }
}

/**
 * Measures the start on a tree. Compared with a descriptor, a tree needs one more message of the
 * agent, and a launcher.
 */
async function startOnTree(stage: Stage): Promise<Result[]> {
  const { env, porthole, container } = stage;
  const inside = `${container.root}/start`;
  const onFile = [porthole, "with", `${container.name}:/start/file`, "--", "true"];
  const onTree = [porthole, "with", `${container.name}:/start`, "--", "true"];
  mkdirSync(inside);
  try {
    writeFileSync(`${inside}/file`, "");
    stage.profile("start: porthole with on a tree", onTree);
    return await compare(
      [
        { name: "porthole with on a file", run: () => timeCommand("node", onFile, env) },
        { name: "porthole with on a tree", role: "ours", run: () => timeCommand("node", onTree, env) },
      ],
      { group: "start", rounds: 15 },
    );
  } finally {
    rmSync(inside, { recursive: true, force: true });
  }
}

async function copyFile(stage: Stage): Promise<Result[]> {
  const { env, porthole, container, directory } = stage;
  const inside = `${container.root}/big`;
  const copy = `${directory}/big`;
  const ours = [porthole, "cp", `${container.name}:/big`, copy];
  // Both write a new file, so that neither waits for the removal of old blocks.
  const timed = (command: string, args: readonly string[]) => {
    rmSync(copy, { force: true });
    return timeCommand(command, args, env);
  };
  try {
    run("dd", ["if=/dev/urandom", `of=${inside}`, "bs=1M", `count=${GIBIBYTE}`, "status=none"], env);
    timed("node", ours);
    run("cmp", [inside, copy], env);
    return await compare(
      [
        { name: "cp", run: () => timed("cp", [inside, copy]) },
        { name: "porthole cp", role: "ours", run: () => timed("node", ours) },
        { name: "docker cp", every: 4, run: () => timed("docker", ["cp", `${container.name}:/big`, copy]) },
      ],
      { group: "1 GiB", rounds: 5 },
    );
  } finally {
    for (const path of [inside, copy]) rmSync(path, { force: true });
  }
}
