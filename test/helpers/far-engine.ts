import { execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { inject } from "vitest";
import { OFF_THE_NETWORK } from "./daemons.ts";
import { type Engine, engineAt } from "./engine.ts";
import { childrenOf } from "./processes.ts";
import type { SshServer } from "./sshd.ts";
import { waitFor } from "./wait-for.ts";

/** An engine whose machine this one is not. */
export interface FarEngine {
  far: Engine;
  /** Prefix of a command line that runs in the engine's namespaces. */
  enter(): string[];
  stop(): Promise<void>;
}

/** A Docker engine in namespaces of its own. */
export async function startFarEngine(): Promise<FarEngine> {
  const directory = mkdtempSync(`${inject("machine").directory}/far-`);
  chmodSync(directory, 0o711);
  const socket = `${directory}/docker.sock`;
  const options = ["--data-root", `${directory}/data`, "--exec-root", `${directory}/exec`, "-p", `${directory}/pid`];
  const dockerd = ["dockerd", ...options, "-H", `unix://${socket}`, ...OFF_THE_NETWORK];
  const namespaces = ["--pid", "--mount", "--net", "--fork", "--kill-child", "--mount-proc"];
  const daemon = spawn("unshare", [...namespaces, ...dockerd], { stdio: "ignore" });
  const ended = new Promise((resolve) => daemon.once("close", resolve));
  const far = engineAt("docker", socket);
  await waitFor("the engine", () =>
    far.api.ping().then(
      () => true,
      () => false,
    ),
  );
  const stop = async () => {
    daemon.kill("SIGKILL");
    await ended;
  };
  const enter = () => ["nsenter", "--target", `${childrenOf(Number(daemon.pid))[0]}`, "--pid", "--mount", "--net"];
  return { far, enter, stop };
}

/** A directory with an `ssh` that has the server's key, or a wrong one. Returns its path. */
export function sshOnPath({ command }: SshServer): string {
  const directory = mkdtempSync(`${inject("machine").directory}/bin-`);
  const options = command.slice(1, command.indexOf("-p"));
  const key = options[options.indexOf("-i") + 1] ?? "";
  const others = options.filter((word) => word !== "-i" && word !== key);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", `${directory}/none`]);
  const script = `#!/bin/sh\nkey=${key}\n[ -z "$PT_KEY" ] || key=${directory}/$PT_KEY\nexec /usr/bin/ssh -i "$key" ${others.join(" ")} -o BatchMode=yes "$@"\n`;
  writeFileSync(`${directory}/ssh`, script);
  chmodSync(`${directory}/ssh`, 0o755);
  return directory;
}
