import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { type CgroupView, inView } from "./cgroup-view.ts";
import { withJournal } from "./journal.ts";
import { asUser, ENGINE_GROUP, rootlessUid } from "./machine.ts";
import { findProcesses, isRunning } from "./processes.ts";
import { removeDirectory } from "./remove-directory.ts";
import { waitFor } from "./wait-for.ts";

/** A private engine with its state and socket in its own directory. */
export interface Daemon {
  /** Path of the API's socket; {@link ENGINE_GROUP} may use it. */
  socket: string;
  /**
   * Removes every container, stops the daemon and its processes, unmounts and removes its
   * directory.
   */
  stop(): Promise<void>;
  /**
   * Kills only the daemon with SIGKILL, like a crash, then starts it again on the same state.
   * Docker only.
   */
  crash?: () => Promise<void>;
  /** Stops only the daemon, as `systemctl stop docker` does. Docker only. */
  down?: () => Promise<void>;
  /** Starts it again after {@link crash} or {@link down}. */
  restart?: () => Promise<void>;
}

/**
 * Options of dockerd that keep the host's network unchanged. A rootless dockerd cannot change it.
 */
export const OFF_THE_NETWORK = ["--iptables=false", "--ip-forward=false", "--bridge=none"];

/** Options of a private engine. The default is Debian's engine with default settings. */
export interface DaemonOptions {
  /**
   * Directory of the engine's programs, from scripts/current-engines.sh; default: those on the
   * PATH.
   */
  programs?: string | undefined;
  /** The view of the control groups for the engine and its containers. */
  view?: CgroupView | undefined;
}

export interface DockerOptions extends DaemonOptions {
  remap?: boolean;
  liveRestore?: boolean;
  /**
   * `containerd` and `native` store images and layers in containerd's store, as overlays and as
   * copies; other names are drivers of Docker.
   */
  storage?: "containerd" | "native" | "vfs" | "overlay2" | "btrfs";
  /** The minimum API version, as in Docker 29. */
  minimumApi?: string;
  /** Adds a journal for the log driver journald. */
  journal?: boolean;
}

/** The command line of a daemon, and the variables that it adds to the environment. */
export interface DaemonCommand {
  socket: string;
  command: string[];
  env: Record<string, string>;
}

/** Writes the configuration of a Docker daemon and returns its command. */
export function dockerCommand(directory: string, options: DockerOptions = {}): DaemonCommand {
  const socket = `${directory}/docker.sock`;
  const { storage, minimumApi } = options;
  const isStored = storage === "containerd" || storage === "native";
  if (!options.remap) writeFileSync(`${directory}/runsc`, RUNSC, { mode: 0o755 });
  writeFileSync(`${directory}/daemon.json`, isStored ? '{"features":{"containerd-snapshotter":true}}' : "{}");
  const command = [
    ...inView(options.view ?? "as it is"),
    ...(options.journal ? withJournal(directory) : []),
    ...["dockerd", "--config-file", `${directory}/daemon.json`],
    ...["--data-root", `${directory}/data`, "--exec-root", `${directory}/exec`, "-p", `${directory}/pid`],
    ...["-H", `unix://${socket}`, "--group", String(ENGINE_GROUP), ...OFF_THE_NETWORK],
    ...(storage === undefined || storage === "containerd" ? [] : ["--storage-driver", storage]),
    ...(options.remap ? ["--userns-remap=default"] : ["--add-runtime", `runsc=${directory}/runsc`]),
    ...(options.liveRestore ? ["--live-restore"] : []),
  ];
  const env = {
    ...withPrograms(options.programs),
    ...(minimumApi === undefined ? {} : { DOCKER_MIN_API_VERSION: minimumApi }),
  };
  return { socket, command, env };
}

/**
 * Starts a Docker daemon that is independent of the machine's own daemon. Its containers have no
 * network.
 */
export async function startDocker(directory: string, options: DockerOptions = {}): Promise<Daemon> {
  mkdirSync(directory, { mode: 0o711 });
  const { socket, command, env } = dockerCommand(directory, options);
  const start = () => answering(() => launch(directory, env, command), socket);
  let daemon = await ready(start, directory);
  return {
    socket,
    crash: async () => {
      const containerd = findProcesses(({ name, args }) => name === "containerd" && args.join(" ").includes(directory));
      daemon.kill("SIGKILL");
      for (const pid of containerd) process.kill(pid, "SIGKILL");
      await waitFor("the killed daemon to end", () => daemon.exitCode !== null || daemon.signalCode !== null);
      await waitFor("its containerd to end", () => !containerd.some(isRunning));
    },
    down: () => end(daemon),
    restart: async () => {
      daemon = await start();
    },
    stop: async () => {
      await removeContainers(socket);
      await end(daemon);
      await removeTree(directory);
    },
  };
}

/**
 * gVisor as a runtime of Docker, if installed. It runs without KVM and control groups: it does not
 * support v1 and v2 side by side.
 */
const RUNSC = '#!/bin/sh\nexec runsc --platform=ptrace --network=none --ignore-cgroups "$@"\n';

export interface PodmanOptions extends DaemonOptions {
  /** The storage driver; default: overlay. */
  storage?: "vfs";
}

/** Writes the configuration of Podman's Docker-compatible API and returns its command. */
export function podmanCommand(directory: string, { programs, view, storage }: PodmanOptions = {}): DaemonCommand {
  const socket = `${directory}/podman.sock`;
  const env = { ...withPrograms(programs), CONTAINERS_CONF: podmanConfiguration(directory, { programs, view }) };
  const command = [
    ...inView(view ?? "as it is"),
    "podman",
    ...["--root", `${directory}/root`, "--runroot", `${directory}/run`, "--tmpdir", `${directory}/tmp`],
    ...(storage === undefined ? [] : ["--storage-driver", storage]),
    ...["system", "service", "--time=0", `unix://${socket}`],
  ];
  return { socket, command, env };
}

/** Starts Podman's Docker-compatible API. */
export async function startPodman(directory: string, options: PodmanOptions = {}): Promise<Daemon> {
  mkdirSync(directory, { mode: 0o711 });
  const { socket, command, env } = podmanCommand(directory, options);
  const daemon = await ready(() => answering(() => launch(directory, env, command), socket), directory);
  chownSync(socket, 0, ENGINE_GROUP);
  chmodSync(socket, 0o660);
  return stoppable(daemon, directory, socket);
}

/**
 * Starts Podman as the rootless user, with the default socket: `podman/podman.sock` in the runtime
 * directory `run`.
 */
export async function startRootlessPodman(directory: string): Promise<Daemon> {
  const { env, as } = rootless(directory);
  const socket = `${directory}/run/podman/podman.sock`;
  mkdirSync(`${directory}/run/podman`, { mode: 0o700 });
  chownSync(`${directory}/run/podman`, rootlessUid() ?? 0, rootlessUid() ?? 0);
  const configuration = { CONTAINERS_CONF: podmanConfiguration(directory) };
  const command = ["podman", "system", "service", "--time=0", `unix://${socket}`];
  const begin = () => launch(directory, { ...env, ...configuration }, [...as, ...command]);
  const daemon = await ready(() => answering(begin, socket), directory);
  return stoppable(daemon, directory, socket, () => {
    // The process that holds the user namespace of all Podmans of this user.
    const pause = Number(readFileSync(`${directory}/run/libpod/tmp/pause.pid`, "utf8"));
    if (pause > 0) process.kill(pause, "SIGKILL");
  });
}

/**
 * Starts a Docker daemon as the rootless user, in a user namespace of rootlesskit; its socket is
 * `docker.sock` in the runtime directory `run`.
 */
export async function startRootlessDocker(directory: string): Promise<Daemon> {
  const { env, as } = rootless(directory);
  const socket = `${directory}/run/docker.sock`;
  const dockerd = [
    ...["dockerd", "--rootless", ...OFF_THE_NETWORK],
    ...[
      `--data-root ${directory}/data`,
      `--exec-root ${directory}/run/docker`,
      `-p ${directory}/run/pid`,
      `-H unix://${socket}`,
    ],
  ].join(" ");
  const command = [
    ...as,
    ...["rootlesskit", "--net=host", "--copy-up=/etc", "--copy-up=/run", "--propagation=rslave"],
    ...[`--state-dir=${directory}/kit`, "sh", "-c"],
    // Links to files of the host, to which it cannot write.
    `rm -f /run/docker /run/containerd /run/xtables.lock; exec ${dockerd}`,
  ];
  const daemon = await ready(() => answering(() => launch(directory, env, command), socket), directory);
  return stoppable(daemon, directory, socket);
}

/**
 * Makes a home and a runtime directory for the rootless user. Returns the command to become that
 * user.
 */
function rootless(directory: string): { env: Record<string, string>; as: string[] } {
  const uid = rootlessUid() ?? 0;
  mkdirSync(directory, { mode: 0o711 });
  mkdirSync(`${directory}/run`, { mode: 0o700 });
  for (const path of [directory, `${directory}/run`]) chownSync(path, uid, uid);
  return { env: { HOME: directory, XDG_RUNTIME_DIR: `${directory}/run` }, as: asUser(uid) };
}

/**
 * Sets limits that work without systemd. Locks are in files, because all Podmans of the machine
 * share the same shared memory.
 */
function podmanConfiguration(directory: string, { programs, view }: DaemonOptions = {}): string {
  const configuration = `${directory}/containers.conf`;
  writeFileSync(
    configuration,
    [
      "[containers]",
      'default_ulimits=["nofile=1024:1024","nproc=1024:1024"]',
      'netns="none"',
      // Control groups v2 lack the pids controller if v1 has it.
      ...(view === "v2" ? ["pids_limit=0"] : []),
      "[engine]",
      'runtime="runc"',
      'cgroup_manager="cgroupfs"',
      'events_logger="file"',
      'lock_type="file"',
      ...(programs === undefined
        ? []
        : [
            `conmon_path=["${programs}/conmon"]`,
            `helper_binaries_dir=["${programs}"]`,
            "[engine.runtimes]",
            `runc=["${programs}/runc"]`,
          ]),
      "",
    ].join("\n"),
  );
  return configuration;
}

/** Returns an environment in which an engine finds its own programs first. */
function withPrograms(programs: string | undefined): Record<string, string> {
  return programs === undefined ? {} : { PATH: `${programs}:${process.env.PATH ?? ""}` };
}

function stoppable(daemon: ChildProcess, directory: string, socket: string, also = () => {}): Daemon {
  return {
    socket,
    stop: async () => {
      await removeContainers(socket);
      await end(daemon);
      also();
      await removeTree(directory);
    },
  };
}

/** Makes the kernel kill the daemon if the test run dies without teardown. */
function launch(directory: string, env: Record<string, string>, command: string[]): ChildProcess {
  const log = openSync(`${directory}/log`, "a");
  const child = spawn("setpriv", ["--pdeathsig", "TERM", "--", ...command], {
    stdio: ["ignore", log, log],
    env: { ...process.env, ...env },
    cwd: "/",
  });
  closeSync(log);
  return child;
}

/**
 * Starts a daemon with `begin` and waits until it answers. On a busy machine dockerd may time out
 * on its containerd: retry at most twice.
 */
async function answering(begin: () => ChildProcess, socket: string): Promise<ChildProcess> {
  for (let attempt = 1; ; attempt++) {
    const daemon = begin();
    try {
      await answer(daemon, socket);
      return daemon;
    } catch (error) {
      if (daemon.pid !== undefined) await end(daemon);
      if (attempt === 3) throw error;
    }
  }
}

async function answer(daemon: ChildProcess, socket: string): Promise<void> {
  let failure: string | undefined;
  daemon.once("error", (error) => {
    failure = error.message;
  });
  daemon.once("exit", (code, signal) => {
    failure = `it ended with ${signal ?? code}`;
  });
  await waitFor(
    `an answer on ${socket}`,
    async () => {
      if (failure !== undefined) throw new Error(failure);
      return (await call(socket, "GET", "/_ping")) === "OK";
    },
    { deadline: 120_000 },
  );
}

/**
 * Returns the result of `start`. On failure removes everything and adds the end of the daemon's log
 * to the error.
 */
async function ready(start: () => Promise<ChildProcess>, directory: string): Promise<ChildProcess> {
  try {
    return await start();
  } catch (error) {
    const log = readFileSync(`${directory}/log`, "utf8").trimEnd().split("\n").slice(-5).join("\n");
    await removeTree(directory);
    throw new Error(`${(error as Error).message}; the end of its log:\n${log}`);
  }
}

async function removeContainers(socket: string): Promise<void> {
  const list = (await call(socket, "GET", "/containers/json?all=true")) ?? "[]";
  const ids = (JSON.parse(list) as { Id: string }[]).map(({ Id }) => Id);
  await Promise.all(ids.map((id) => call(socket, "DELETE", `/containers/${id}?force=true&v=true`)));
}

async function end(daemon: ChildProcess): Promise<void> {
  const gone = () => daemon.exitCode !== null || daemon.signalCode !== null;
  daemon.kill("SIGTERM");
  try {
    await waitFor("the daemon to end", gone);
  } catch {
    daemon.kill("SIGKILL");
    await waitFor("the killed daemon to end", gone);
  }
}

/**
 * Removes a daemon's state when it is no longer in use: dockerd's containerd and Podman's cleanup
 * commands may outlive the daemon for a moment and would recreate it. Rootless Podman serves in
 * another process, which outlives the stopped one.
 */
async function removeTree(directory: string): Promise<void> {
  const users = () => findProcesses(({ args }) => args.some((arg) => arg.includes(`${directory}/`)));
  signal(users(), "SIGTERM");
  try {
    await waitFor(`the last user of ${directory} to end`, () => users().length === 0);
  } catch {
    signal(users(), "SIGKILL");
  }
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((point) => point.startsWith(`${directory}/`));
  for (const point of mounts.reverse()) spawnSync("umount", ["-l", point]);
  removeDirectory(directory);
}

function signal(pids: number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // The process has ended in the meantime.
    }
  }
}

function call(socketPath: string, method: string, path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, method, path, timeout: 30_000 }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part: string) => {
        text += part;
      });
      answer.on("end", () => resolve(text));
      answer.on("error", () => resolve(undefined));
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(undefined));
    asked.end();
  });
}
