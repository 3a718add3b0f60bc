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
  /** Pid of its first process on the host. */
  pid: number;
  /** Its root directory for root of the host: /proc/PID/root. */
  root: string;
}

/**
 * Shared by all cases: a private engine, a container, programs in C, a directory. {@link
 * Stage.close} removes everything.
 */
export interface Stage {
  directory: string;
  /** The repository, with a slash at the end. */
  root: string;
  /** Environment of a user of the private engine. */
  env: NodeJS.ProcessEnv;
  docker: Docker;
  /** A container with porthole's directory for the mount route. */
  container: StageContainer;
  /** Path of a volume in {@link container}, on the file system of {@link directory}. */
  volume: string;
  /** `count` more containers, created on first use. */
  crowd(count: number): Promise<StageContainer[]>;
  /**
   * A container of a private Podman, with the environment for `podman`; `undefined` and a note
   * without Podman.
   */
  podman(): Promise<PodmanContainer | undefined>;
  /** True if the machine has the command; otherwise adds a note to the report. */
  has(command: string): boolean;
  /**
   * Runs a Node program again under a profiler while its input exists. The report shows the profile
   * if the case misses its goal.
   */
  profile(name: string, args: readonly string[]): void;
  /** From {@link profile}; emptied before each case. */
  profiles: Record<string, string[]>;
  /** Measurements that were skipped, with reasons. */
  notes: Set<string>;
  /** Path of a compiled program of bench/c. */
  program(name: string, ...flags: string[]): string;
  /** Path of the built command. */
  porthole: string;
  close(): Promise<void>;
}

export interface PodmanContainer {
  name: string;
  /** Prefix of a command for this Podman. */
  command: string[];
  env: NodeJS.ProcessEnv;
}

const IMAGE = "bench:1";
const VOLUME = "/volume";
const KEEP_RUNNING = ["/busybox", "sleep", "86400"];

/**
 * Creates the stage. Needs root, dockerd, busybox-static and a C compiler. A signal removes it
 * before the run ends.
 */
export async function setStage(root: string): Promise<Stage> {
  const directory = mkdtempSync("/tmp/pb-");
  const props = new Props();
  props.push(() => rmSync(directory, { recursive: true, force: true }));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => interrupted(signal, props));
  // The reader closed the pipe (`| head`): without a handler the run would end at once, and the
  // engine would keep running.
  process.stdout.once("error", () => process.kill(process.pid, "SIGTERM"));
  try {
    return await furnish(root, directory, props);
  } catch (error) {
    await props.strike();
    throw error;
  }
}

/** Cleanup actions in order of creation. */
class Props {
  readonly #removals: (() => unknown)[] = [];
  #striking: Promise<void> | undefined;

  push(remove: () => unknown): void {
    this.#removals.push(remove);
  }

  /**
   * Runs the actions, the last first. A second call waits for the first: an interrupted run fails
   * and also cleans up.
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

/** True after a signal, which removes the stage. Then the run ends without a further signal. */
export function wasInterrupted(): boolean {
  return isInterrupted;
}

async function interrupted(signal: NodeJS.Signals, props: Props): Promise<void> {
  isInterrupted = true;
  // End running commands, which would keep a directory in use; the daemons are stopped by their
  // owner.
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
    // The process has ended.
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
    container: await start("stage", [...prepared, "--volume", VOLUME]),
    volume: VOLUME,
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
  // The command uses the private daemon; otherwise Podman would be set up again for each call.
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

/** Runs a command to its end and returns its output; throws its message if it fails. */
export function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv, cwd?: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { env, cwd, maxBuffer: 1 << 28 });
  if (error !== undefined || status !== 0)
    throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr.toString()}`);
  return stdout.toString();
}
