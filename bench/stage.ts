import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import Docker from "dockerode";
import { type Daemon, startDocker } from "../test/helpers/daemons.ts";

/** What the cases share: a private engine, a container, programs in C, a directory. Everything is removed by {@link Stage.close}. */
export interface Stage {
  directory: string;
  /** Environment of a user whose engine is the private one. */
  env: NodeJS.ProcessEnv;
  docker: Docker;
  /** Name and host pid of a running container with busybox, prepared for the mount route. */
  container: { name: string; id: string; pid: number };
  /** Path of a compiled program of bench/c. */
  program(name: string, ...flags: string[]): string;
  /** The built command. */
  porthole: string;
  close(): Promise<void>;
}

/** Sets the stage. Needs root, dockerd, busybox-static and a C compiler. */
export async function setStage(root: string): Promise<Stage> {
  const directory = mkdtempSync("/tmp/pb-");
  const daemon = await startDocker(`${directory}/docker`);
  try {
    return await furnish(root, directory, daemon);
  } catch (error) {
    await daemon.stop();
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

async function furnish(root: string, directory: string, daemon: Daemon): Promise<Stage> {
  const env = { ...process.env, DOCKER_HOST: `unix://${daemon.socket}`, XDG_STATE_HOME: `${directory}/state` };
  const porthole = `${root}dist/porthole.js`;
  mkdirSync(`${directory}/state`);
  const docker = new Docker({ socketPath: daemon.socket });
  importBusybox(directory, env);
  const prepared = run("node", [porthole, "docker-args"], env).trim().split(" ");
  const id = run(
    "docker",
    ["run", "-d", "--name", "stage", "--network", "none", ...prepared, "bench:1", "/busybox", "sleep", "86400"],
    env,
  ).trim();
  const { State } = await docker.getContainer(id).inspect();
  return {
    directory,
    env,
    docker,
    container: { name: "stage", id, pid: State.Pid },
    porthole,
    program: (name, ...flags) => {
      run("cc", ["-O2", ...flags, "-o", `${directory}/${name}`, `${root}bench/c/${name}.c`], env);
      return `${directory}/${name}`;
    },
    close: async () => {
      run("node", [porthole, "detach", "--all"], env);
      await daemon.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function importBusybox(directory: string, env: NodeJS.ProcessEnv): void {
  copyFileSync("/bin/busybox", `${directory}/busybox`);
  const archive = `${directory}/image.tar`;
  run("tar", ["-C", directory, "-cf", archive, "busybox"], env);
  run("docker", ["import", archive, "bench:1"], env);
}

/** Runs a command to its end and returns what it printed; throws with its words when it fails. */
export function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { env, maxBuffer: 1 << 28 });
  if (error !== undefined || status !== 0)
    throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr.toString()}`);
  return stdout.toString();
}
