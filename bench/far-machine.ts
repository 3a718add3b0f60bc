import { addContext } from "../test/helpers/docker-contexts.ts";
import { startFarDaemon } from "../test/helpers/far-daemon.ts";
import { sshProgram, startSshServer } from "../test/helpers/ssh-server.ts";
import { run, type Stage } from "./stage.ts";

/** Two engines in place of other machines, and the sshd in front of them. */
export interface FarMachines extends AsyncDisposable {
  /**
   * Environment of a user whose `ssh` has the key; the docker contexts `one` and `two` name the
   * engines.
   */
  env: NodeJS.ProcessEnv;
  /** `ssh` with its options and the host. */
  ssh: string[];
  /** Value of DOCKER_HOST for the engine `one`. */
  host: string;
  /** Runs a command in the container `web` of an engine, by its socket. */
  inside(engine: FarName, ...command: string[]): string;
}

export const FAR_NAMES = ["one", "two"] as const;
export type FarName = (typeof FAR_NAMES)[number];

/** Starts the machines, with a container of busybox that has the program `append` on each. */
export async function startFarMachines(stage: Stage): Promise<FarMachines> {
  const { directory, root } = stage;
  const started: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const stop of started.reverse()) await stop();
  };
  try {
    const server = await startSshServer(directory);
    started.push(server.stop);
    const env = {
      ...stage.env,
      PATH: `${sshProgram(server, directory)}:${stage.env.PATH}`,
      DOCKER_CONFIG: `${directory}/docker-config`,
    };
    const sockets = {} as Record<FarName, string>;
    for (const name of FAR_NAMES) {
      const far = await startFarDaemon(directory);
      started.push(far.stop);
      sockets[name] = far.socket;
      addContext(env.DOCKER_CONFIG, name, `ssh://root@127.0.0.1:${server.port}${far.socket}`);
      const docker = (...args: string[]) => run("docker", ["-H", `unix://${far.socket}`, ...args], stage.env);
      docker("import", `${directory}/image.tar`, "bench:1");
      docker("run", "-d", "--name", "web", "--network", "none", "bench:1", "/busybox", "sleep", "86400");
      docker("cp", stage.program("append", "-static"), "web:/append");
    }
    started.push(async () => void run("node", [`${root}dist/porthole.js`, "detach", "--all"], env));
    return {
      env,
      ssh: server.command,
      host: `ssh://root@127.0.0.1:${server.port}${sockets.one}`,
      inside: (engine, ...command) =>
        run("docker", ["-H", `unix://${sockets[engine]}`, "exec", "web", ...command], stage.env),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
