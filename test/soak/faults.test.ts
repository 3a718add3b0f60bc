import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { directAgentsOf, keptFiles, mountAgentsOf, routesInUse } from "../docker/agents.ts";
import { describeWith } from "../helpers/availability.ts";
import { type Daemon, startDocker } from "../helpers/daemons.ts";
import { type Container, container, type Engine, engineAt, firstProcess } from "../helpers/engine.ts";
import { type Running, type User, user } from "../helpers/porthole.ts";
import { descriptorCount, findProcesses, isRunning, openFiles } from "../helpers/processes.ts";
import { textOf } from "../helpers/text-of.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { full, randomOf, report, scale, seed } from "./scale.ts";

let daemon: Daemon;
let docker: Engine;

beforeAll(async () => {
  daemon = await startDocker(`${inject("machine").directory}/soak`, { liveRestore: true });
  docker = engineAt("docker", daemon.socket);
});
afterAll(() => daemon.stop());

/** The expected content of the container's log, and the expected output of the follower. */
interface Model {
  /** Lines in the file that has the log's name. */
  current: string[];
  /** All lines that were ever written. */
  printed: string;
  rotations: number;
}

/** One run: a container, a follower of its log, and the expected state. */
interface Scene {
  someone: User;
  target: Container;
  /** Pid of the container, which changes when the container starts again. */
  pid: number;
  route: string;
  tail: Running;
  shown: () => string;
  model: Model;
  random: (limit: number) => number;
}

const log = (scene: Scene) => `/proc/${scene.pid}/root/d/log`;

function append(scene: Scene, count = 1 + scene.random(20)): void {
  const { model } = scene;
  for (let n = 0; n < count; n++) {
    const line = `line ${model.printed.length} ${"x".repeat(scene.random(80))}\n`;
    appendFileSync(log(scene), line);
    model.current.push(line);
    model.printed += line;
  }
}

function rotate(scene: Scene): void {
  scene.model.rotations++;
  renameSync(log(scene), `${log(scene)}.${scene.model.rotations}`);
  writeFileSync(log(scene), "");
  scene.model.current = [];
}

/** Waits until the follower has printed everything. */
async function caughtUp(scene: Scene): Promise<void> {
  await waitFor(
    "the follower to catch up",
    () => {
      const { exitCode, signalCode } = scene.tail.child;
      if (exitCode !== null || signalCode !== null)
        throw new Error(`tail ended (${exitCode ?? signalCode}): ${scene.tail.complaints()}`);
      return scene.shown() === scene.model.printed;
    },
    { deadline: 60_000 },
  ).catch((error: Error) => {
    const { printed } = scene.model;
    const shown = scene.shown();
    let same = 0;
    while (same < shown.length && shown[same] === printed[same]) same++;
    throw new Error(
      `${error.message}: it differs at byte ${same} of ${printed.length} (${shown.length} shown): ` +
        `${JSON.stringify(shown.slice(same, same + 60))} for ${JSON.stringify(printed.slice(same, same + 60))}; ` +
        `it said: ${scene.tail.complaints().slice(-600)}`,
    );
  });
}

/** Checks that a search finds the lines of the model. */
async function search(scene: Scene): Promise<void> {
  const digit = String(scene.random(10));
  const args = ["grep", "-c", "--route", scene.route, `^line [0-9]*${digit} `, `${scene.target.name}:/d/log`];
  const expected = scene.model.current.filter((line) => new RegExp(`^line [0-9]*${digit} `).test(line)).length;
  const { code, text, stderr } = await scene.someone.run(args);
  expect({ code, text, stderr }).toEqual({
    code: expected > 0 ? 0 : 1,
    text: expected > 0 ? `${expected}\n` : "",
    stderr: "",
  });
}

function agentProcesses({ target, route, pid }: Scene): number[] {
  if (route === "direct") return findProcesses(({ args }) => args[1] === "direct" && args.includes(String(pid)));
  if (route === "mount") return mountAgentsOf(target);
  return findProcesses(({ pid: one, args }) => args[1] === "sidecar" && isOfSidecar(one, target));
}

function isOfSidecar(pid: number, target: Container): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`).length >= 0 && sameNamespace(pid, target);
  } catch {
    return false;
  }
}

function sameNamespace(pid: number, target: Container): boolean {
  return execFileSync("readlink", [`/proc/${pid}/ns/pid`, `/proc/${target.pid}/ns/pid`], { encoding: "utf8" })
    .trim()
    .split("\n")
    .every((one, _, all) => one === all[0]);
}

/** Sends a signal to a process that may have ended. */
function signal(pids: number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // The process has ended.
    }
  }
}

/** Lowers a limit of a process during `action`. */
async function limited(
  pid: number,
  limit: "nofile" | "as",
  most: number,
  action: () => Promise<void> | void,
): Promise<void> {
  const label = limit === "nofile" ? "open files" : "address space";
  const usual = new RegExp(`^Max ${label} +(\\S+)`, "m").exec(readFileSync(`/proc/${pid}/limits`, "utf8"))?.[1];
  execFileSync("prlimit", [`--pid=${pid}`, `--${limit}=${most}:`]);
  try {
    await action();
  } finally {
    if (isRunning(pid)) execFileSync("prlimit", [`--pid=${pid}`, `--${limit}=${usual}:`]);
  }
}

/** Each fault is injected, the log continues, and the fault is removed. */
const faults: Record<string, (scene: Scene) => Promise<void>> = {
  async "container killed"(scene) {
    await scene.target.handle.kill();
    await waitFor("the container to end", () => !isRunning(scene.pid));
    await scene.target.handle.start();
    scene.pid = await firstProcess(scene.target.handle);
    append(scene);
  },
  async "container paused"(scene) {
    await scene.target.handle.pause();
    append(scene);
    await search(scene);
    await scene.target.handle.unpause();
  },
  async "daemon killed"(scene) {
    await daemon.crash?.();
    append(scene);
    if (scene.random(2) === 0) rotate(scene);
    append(scene);
    await daemon.restart?.();
  },
  async "agent stopped"(scene) {
    const agents = agentProcesses(scene);
    signal(agents, "SIGSTOP");
    append(scene);
    await pause(scene.random(400));
    if (scene.random(2) === 0) rotate(scene);
    append(scene);
    signal(agents, "SIGCONT");
  },
  async "agent killed"(scene) {
    signal(agentProcesses(scene), "SIGKILL");
    append(scene);
  },
  async "follower without descriptors (EMFILE)"(scene) {
    await limited(scene.tail.pid, "nofile", descriptorCount(scene.tail.pid), async () => {
      append(scene);
      rotate(scene);
      append(scene);
      await pause(scene.random(500));
    });
  },
  async "agent without memory (ENOMEM)"(scene) {
    const [agent] = agentProcesses(scene);
    if (agent === undefined) return;
    await limited(agent, "as", 4096, async () => {
      append(scene);
      // The agent cannot fork, so a new client gets one line or a new agent.
      const { code, stderr } = await scene.someone.run(["cat", "--route", scene.route, `${scene.target.name}:/d/log`]);
      if (code !== 0) expect(stderr).toMatch(/^porthole: .*\n(porthole: .*\n)?$/);
    });
  },
  async "output full (ENOSPC)"(scene) {
    const line = `exec "$0" "$@" >/dev/full`;
    const { code, stderr } = await scene.someone.run(["cat", "--route", scene.route, `${scene.target.name}:/d/log`], {
      before: ["sh", "-c", line],
    });
    if (scene.model.current.length > 0) {
      expect(stderr).toMatch(/^porthole: .*No space left on device\n$/);
      expect(code).not.toBe(0);
    }
    append(scene);
  },
  async rotated(scene) {
    append(scene);
    rotate(scene);
    append(scene);
  },
};

describeWith(["root", "docker"], "faults at random points during a follow and a search", () => {
  test.each(["direct", "sidecar"])(
    `lose no line, repeat no line and end every process (route %s, ${scale.faults} faults, seed ${seed})`,
    { timeout: full ? 3_600_000 : 300_000 },
    async (route) => {
      const someone = user({ engine: docker });
      const target = await container(docker);
      mkdirSync(`/proc/${target.pid}/root/d`);
      writeFileSync(`/proc/${target.pid}/root/d/log`, "");
      const tail = someone.start(["tail", "-n", "+1", "-F", "--route", route, `${target.name}:/d/log`]);
      const shown = textOf(tail.stdout);
      const scene: Scene = {
        ...{ someone, target, pid: target.pid, route, tail, shown, random: randomOf(seed) },
        model: { current: [], printed: "", rotations: 0 },
      };
      const done: Record<string, number> = {};
      append(scene);
      await caughtUp(scene);
      await waitFor("the follower to watch", () => openFiles(tail.pid).some((name) => name.includes("inotify")));
      const before = openFiles(tail.pid);
      const names = Object.keys(faults);
      for (let n = 0; n < scale.faults; n++) {
        // Injects each fault once, then faults at random.
        const name = names[n < names.length ? n : scene.random(names.length)] as string;
        done[name] = (done[name] ?? 0) + 1;
        try {
          await faults[name]?.(scene);
          append(scene);
          await caughtUp(scene);
          await search(scene);
        } catch (error) {
          throw new Error(`fault ${n}, ${name}: ${(error as Error).message}`, { cause: error });
        }
      }
      expect(shown()).toBe(scene.model.printed);
      // The first file stays open for late writes.
      await waitFor("the follower to have what it had and one file more", () => {
        return openFiles(tail.pid).length <= before.length + 1;
      }).catch((error: Error) => {
        throw new Error(`${error.message}: ${openFiles(tail.pid).join(" ")} instead of ${before.join(" ")}`);
      });
      expect(openFiles(tail.pid).filter((name) => name.includes("inotify"))).toHaveLength(1);
      const memory = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${tail.pid}/status`, "utf8"))?.[1]);
      const lines = shown().split("\n").length - 1;
      tail.child.kill("SIGTERM");
      await tail.ended;
      expect(await someone.run(["detach", "--all"])).toMatchObject({ code: 0, stderr: "" });
      await waitFor("every agent to end", async () => (await routesInUse(docker, target)).length === 0);
      expect(directAgentsOf(target)).toEqual([]);
      expect(keptFiles(someone)).toEqual([]);
      report(`faults, route ${route}, seed ${seed}`, {
        ...done,
        "lines followed": lines,
        rotations: scene.model.rotations,
        "follower's MiB": Math.round(memory / 1024),
        left: "nothing",
      });
      await target.remove();
    },
  );
});
