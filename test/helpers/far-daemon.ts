import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import Docker from "dockerode";
import { type DaemonCommand, dockerCommand } from "./daemons.ts";
import { childrenOf } from "./processes.ts";
import { succeeds, waitFor } from "./wait-for.ts";

/**
 * An engine in its own PID, mount and network namespaces. It stands in for another machine: its
 * process numbers do not exist on the host.
 */
export interface FarDaemon {
  socket: string;
  /** Prefix of a command line that runs in the engine's namespaces. */
  enter(): string[];
  /** Ends it with all its containers, like a power failure of its machine. */
  stop(): Promise<void>;
  /** After {@link stop}: starts it again on the same state. */
  restart(): Promise<void>;
}

/**
 * Starts an engine with its files below `parent`. Needs root.
 * @param describe returns the command of the engine; default: the distribution's Docker
 */
export async function startFarDaemon(
  parent: string,
  describe: (directory: string) => DaemonCommand = dockerCommand,
): Promise<FarDaemon> {
  const directory = mkdtempSync(`${parent}/far-`);
  chmodSync(directory, 0o711);
  const { socket, command, env } = describe(directory);
  const namespaces = ["--pid", "--mount", "--net", "--fork", "--kill-child", "--mount-proc"];
  const docker = new Docker({ socketPath: socket });
  const begin = async () => {
    const daemon = spawn("unshare", [...namespaces, ...command], { stdio: "ignore", env: { ...process.env, ...env } });
    const ended = new Promise((resolve) => daemon.once("close", resolve));
    await waitFor("the engine", () => succeeds(docker.ping()));
    return { daemon, ended };
  };
  let running = await begin();
  return {
    socket,
    enter: () => ["nsenter", "--target", `${childrenOf(Number(running.daemon.pid))[0]}`, "--pid", "--mount", "--net"],
    stop: async () => {
      running.daemon.kill("SIGKILL");
      await running.ended;
    },
    restart: async () => {
      // In the new PID namespace another process may have the number of the one that ended.
      for (const file of ["pid", "exec/containerd/containerd.pid"]) rmSync(`${directory}/${file}`, { force: true });
      running = await begin();
    },
  };
}
