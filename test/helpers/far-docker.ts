import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import Docker from "dockerode";
import { OFF_THE_NETWORK } from "./daemons.ts";
import { childrenOf } from "./processes.ts";
import { waitFor } from "./wait-for.ts";

/**
 * A Docker engine in its own PID, mount and network namespaces. It stands in for another machine:
 * its process numbers do not exist on the host.
 */
export interface FarDocker {
  socket: string;
  /** Prefix of a command line that runs in the engine's namespaces. */
  enter(): string[];
  /** Ends it with all its containers, like a power failure of its machine. */
  stop(): Promise<void>;
  /** After {@link stop}: starts it again on the same state. */
  restart(): Promise<void>;
}

/** Starts the engine with its files below `parent`. Needs root. */
export async function startFarDocker(parent: string): Promise<FarDocker> {
  const directory = mkdtempSync(`${parent}/far-`);
  chmodSync(directory, 0o711);
  const socket = `${directory}/docker.sock`;
  const options = ["--data-root", `${directory}/data`, "--exec-root", `${directory}/exec`, "-p", `${directory}/pid`];
  const dockerd = ["dockerd", ...options, "-H", `unix://${socket}`, ...OFF_THE_NETWORK];
  const namespaces = ["--pid", "--mount", "--net", "--fork", "--kill-child", "--mount-proc"];
  const docker = new Docker({ socketPath: socket });
  const begin = async () => {
    const daemon = spawn("unshare", [...namespaces, ...dockerd], { stdio: "ignore" });
    const ended = new Promise((resolve) => daemon.once("close", resolve));
    await waitFor("the engine", () =>
      docker.ping().then(
        () => true,
        () => false,
      ),
    );
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
      rmSync(`${directory}/pid`, { force: true });
      running = await begin();
    },
  };
}
