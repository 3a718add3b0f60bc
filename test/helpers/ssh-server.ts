import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { SSHD } from "./machine.ts";
import { removeDirectory } from "./remove-directory.ts";
import { textOf } from "./text-of.ts";
import { waitFor } from "./wait-for.ts";

/** A private OpenSSH server on a loopback port, which accepts one key. */
export interface SshServer {
  /**
   * The command prefix: `ssh -p ... root@127.0.0.1`, with options that prevent prompts and writes
   * to other directories.
   */
  command: string[];
  port: number;
  stop(): Promise<void>;
}

/**
 * Starts the server with its files below `parent`. Needs root, because it provides a root login.
 * @param environment variables of its commands
 */
export async function startSshServer(parent: string, environment: Record<string, string> = {}): Promise<SshServer> {
  // Another process may take the port before sshd's bind(2).
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOn(await freePort(), mkdtempSync(`${parent}/ssh-`), environment);
    } catch (error) {
      if (attempt === 5 || !/already in use/.test(String(error))) throw error;
    }
  }
}

async function startOn(port: number, directory: string, environment: Record<string, string>): Promise<SshServer> {
  chmodSync(directory, 0o700);
  // The chroot for sshd's privilege separation; Debian's service creates it.
  mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  for (const key of ["host", "user"])
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", `${directory}/${key}`]);
  writeFileSync(`${directory}/authorized`, readFileSync(`${directory}/user.pub`));
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const configuration = [
    ...[`Port ${port}`, "ListenAddress 127.0.0.1", `HostKey ${directory}/host`, "PidFile none"],
    ...[
      `AuthorizedKeysFile ${directory}/authorized`,
      "PasswordAuthentication no",
      "UsePAM no",
      "PermitRootLogin prohibit-password",
    ],
    // sshd would refuse the keys: their directory belongs to the whole run.
    ...["StrictModes no", "AcceptEnv PT_*"],
    ...(variables.length === 0 ? [] : [`SetEnv ${variables.join(" ")}`]),
  ];
  writeFileSync(`${directory}/sshd_config`, `${configuration.join("\n")}\n`);
  const server: ChildProcess = spawn(SSHD, ["-D", "-e", "-f", `${directory}/sshd_config`], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const said = textOf(server.stderr);
  const ended = new Promise<void>((resolve) => server.once("close", () => resolve()));
  await waitFor("sshd to listen", () => {
    if (server.exitCode !== null) throw new Error(`sshd ended: ${said()}`);
    return said().includes("Server listening");
  }).catch((error: unknown) => {
    server.kill("SIGTERM");
    throw error;
  });
  const options = [
    "StrictHostKeyChecking=no",
    `UserKnownHostsFile=${directory}/known`,
    "IdentitiesOnly=yes",
    "LogLevel=ERROR",
  ];
  return {
    command: [
      "ssh",
      "-F",
      "none",
      "-i",
      `${directory}/user`,
      ...options.flatMap((option) => ["-o", option]),
      "-p",
      String(port),
      "root@127.0.0.1",
    ],
    port,
    stop: async () => {
      server.kill("SIGTERM");
      await ended;
      removeDirectory(directory);
    },
  };
}

/**
 * Makes a directory below `parent` with an `ssh` that has the server's key, or a wrong key. Returns
 * its path.
 */
export function sshProgram({ command }: SshServer, parent: string): string {
  const directory = mkdtempSync(`${parent}/bin-`);
  const options = command.slice(1, command.indexOf("-p"));
  const key = options[options.indexOf("-i") + 1] ?? "";
  const others = options.filter((word) => word !== "-i" && word !== key);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", `${directory}/none`]);
  const script = `#!/bin/sh\nkey=${key}\n[ -z "$PT_KEY" ] || key=${directory}/$PT_KEY\nexec /usr/bin/ssh -i "$key" ${others.join(" ")} -o BatchMode=yes "$@"\n`;
  writeFileSync(`${directory}/ssh`, script);
  chmodSync(`${directory}/ssh`, 0o755);
  return directory;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === "object" && address !== null ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}
