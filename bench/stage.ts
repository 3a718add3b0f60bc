import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import Docker from "dockerode";
import { type Daemon, startDocker, startPodman } from "../test/helpers/daemons.ts";
import { isCommand } from "./needs.ts";
import { profileOf } from "./profile.ts";

/** A running container of busybox. */
export interface StageContainer {
  name: string;
  id: string;
  /** Its first process, as the host sees it. */
  pid: number;
  /** Its root directory, as root of the host reaches it: /proc/PID/root. */
  root: string;
}

/**
 * What the cases share: a private engine, a container, programs in C, a directory. Everything is
 * removed by {@link Stage.close}.
 */
export interface Stage {
  directory: string;
  /** The repository, with a slash at the end. */
  root: string;
  /** Environment of a user whose engine is the private one. */
  env: NodeJS.ProcessEnv;
  docker: Docker;
  /** A container that is prepared for the mount route. */
  container: StageContainer;
  /** `count` more containers, made when they are first asked for. */
  crowd(count: number): Promise<StageContainer[]>;
  /**
   * A container of a private Podman, with the environment that `podman` needs; `undefined`, and a
   * note, where there is no Podman.
   */
  podman(): Promise<PodmanContainer | undefined>;
  /** True when the machine has the command; a note for the report when it has not. */
  has(command: string): boolean;
  /**
   * Runs a Node program once more, under a profiler, while what it works on is still there: the
   * report shows where its time went if the case misses its number.
   */
  profile(name: string, args: readonly string[]): void;
  /** From {@link profile}; emptied before each case. */
  profiles: Record<string, string[]>;
  /** What could not be measured here, and why. */
  notes: Set<string>;
  /** Path of a compiled program of bench/c. */
  program(name: string, ...flags: string[]): string;
  /** The built command. */
  porthole: string;
  close(): Promise<void>;
}

export interface PodmanContainer {
  name: string;
  /** First words of a command to this Podman. */
  command: string[];
  env: NodeJS.ProcessEnv;
}

const IMAGE = "bench:1";
const KEEP_RUNNING = ["/busybox", "sleep", "86400"];

/**
 * Sets the stage. Needs root, dockerd, busybox-static and a C compiler. A signal that ends the run
 * removes it first.
 */
export async function setStage(root: string): Promise<Stage> {
  const directory = mkdtempSync("/tmp/pb-");
  const props = new Props();
  props.push(() => rmSync(directory, { recursive: true, force: true }));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => interrupted(signal, props));
  // Whoever read what is printed has gone (`| head`): without this the run would end at once, and
  // the engine stay.
  process.stdout.once("error", () => process.kill(process.pid, "SIGTERM"));
  try {
    return await furnish(root, directory, props);
  } catch (error) {
    await props.strike();
    throw error;
  }
}

/** What is to be ended or removed, in the order in which it was made. */
class Props {
  readonly #removals: (() => unknown)[] = [];
  #striking: Promise<void> | undefined;

  push(remove: () => unknown): void {
    this.#removals.push(remove);
  }

  /**
   * Removes the last first. Whoever calls it again waits for the same end: a run that was
   * interrupted fails, and cleans up too.
   */
  strike(): Promise<void> {
    this.#striking ??= this.#strike();
    return this.#striking;
  }

  async #strike(): Promise<void> {
    for (let remove = this.#removals.pop(); remove; remove = this.#removals.pop()) await remove();
  }
}

let isInterrupted = false;

/** A signal ends the run: it does so by itself once the stage is removed. */
export function wasInterrupted(): boolean {
  return isInterrupted;
}

async function interrupted(signal: NodeJS.Signals, props: Props): Promise<void> {
  isInterrupted = true;
  // What runs now would go on, or keep a directory in use; the daemons are ended by their owner,
  // with what they keep.
  for (const child of children()) killUnlessDaemon(child);
  await props.strike().catch((error: unknown) => console.error(error));
  process.kill(process.pid, signal);
}

function children(): number[] {
  return readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}

function killUnlessDaemon(pid: number): void {
  try {
    const name = readFileSync(`/proc/${pid}/comm`, "utf8").trim();
    if (name !== "dockerd" && name !== "podman") process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}

async function furnish(root: string, directory: string, props: Props): Promise<Stage> {
  const daemon = await startDocker(`${directory}/docker`);
  props.push(() => daemon.stop());
  const env = { ...process.env, DOCKER_HOST: `unix://${daemon.socket}`, XDG_STATE_HOME: `${directory}/state` };
  const porthole = `${root}dist/porthole.js`;
  mkdirSync(`${directory}/state`);
  const docker = new Docker({ socketPath: daemon.socket });
  const archive = busyboxArchive(directory, env);
  run("docker", ["import", archive, IMAGE], env);
  const start = async (name: string, options: string[] = []): Promise<StageContainer> => {
    const flags = ["-d", "--name", name, "--network", "none", ...options];
    const id = run("docker", ["run", ...flags, IMAGE, ...KEEP_RUNNING], env).trim();
    const { State } = await docker.getContainer(id).inspect();
    return { name, id, pid: State.Pid, root: `/proc/${State.Pid}/root` };
  };
  props.push(() => run("node", [porthole, "detach", "--all"], env));
  const prepared = run("node", [porthole, "docker-args"], env).trim().split(" ");
  const crowd: StageContainer[] = [];
  const notes = new Set<string>();
  const profiles: Stage["profiles"] = {};
  let podman: Promise<PodmanContainer> | undefined;
  const has = (command: string) => {
    const isHere = isCommand(command);
    if (!isHere) notes.add(`${command} is not on this machine: it was not measured`);
    return isHere;
  };
  return {
    directory,
    root,
    env,
    docker,
    container: await start("stage", prepared),
    crowd: async (count) => {
      while (crowd.length < count) crowd.push(await start(`crowd-${crowd.length + 1}`));
      return crowd.slice(0, count);
    },
    podman: async () => {
      if (!has("podman")) return undefined;
      podman ??= startPodman(`${directory}/podman`).then((started) => {
        props.push(() => started.stop());
        return podmanContainer(started, archive, env);
      });
      return podman;
    },
    has,
    notes,
    profiles,
    profile: (name, args) => {
      profiles[name] = profileOf(args, env);
    },
    porthole,
    program: (name, ...flags) => {
      run("cc", ["-O2", ...flags, "-o", `${directory}/${name}`, `${root}bench/c/${name}.c`], env);
      return `${directory}/${name}`;
    },
    close: () => props.strike(),
  };
}

function podmanContainer({ socket }: Daemon, archive: string, env: NodeJS.ProcessEnv): PodmanContainer {
  // The command talks to the private daemon; a Podman that runs everything itself would be set up
  // anew for each call.
  const command = ["podman", "--remote", "--url", `unix://${socket}`];
  const [podman = "", ...flags] = command;
  run(podman, [...flags, "import", archive, `localhost/${IMAGE}`], env);
  run(podman, [...flags, "run", "-d", "--name", "stage", `localhost/${IMAGE}`, ...KEEP_RUNNING], env);
  return { name: "stage", command, env };
}

function busyboxArchive(directory: string, env: NodeJS.ProcessEnv): string {
  copyFileSync("/bin/busybox", `${directory}/busybox`);
  const archive = `${directory}/image.tar`;
  run("tar", ["-C", directory, "-cf", archive, "busybox"], env);
  return archive;
}

/** Runs a command to its end and returns what it printed; throws with its words when it fails. */
export function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { env, maxBuffer: 1 << 28 });
  if (error !== undefined || status !== 0)
    throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr.toString()}`);
  return stdout.toString();
}
