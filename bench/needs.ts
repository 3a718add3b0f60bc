import { spawnSync } from "node:child_process";

/**
 * Programs that all cases and single cases need, each with its Debian package.
 */
const PACKAGES = {
  dockerd: "docker.io",
  docker: "docker.io",
  busybox: "busybox-static",
  cc: "gcc libc6-dev",
  bash: "bash",
  tar: "tar",
  nsenter: "util-linux",
  taskset: "util-linux",
  getconf: "libc-bin",
  rg: "ripgrep",
  less: "less",
  ssh: "openssh-client",
  "ssh-keygen": "openssh-client",
  sshd: "openssh-server",
} as const;

/**
 * A required program; optional peers are checked by `Stage.has`.
 */
export type Need = keyof typeof PACKAGES;

const STAGE: readonly Need[] = ["dockerd", "docker", "busybox", "cc", "bash", "tar", "nsenter", "taskset", "getconf"];

/** Returns why the bench cannot run, in one line; undefined if everything is available. */
export function lacking(needs: readonly Need[]): string | undefined {
  if (process.getuid?.() !== 0) return "it needs root, to start private engines and to enter their containers";
  const missing = [...new Set([...STAGE, ...needs])].filter((name) => !isCommand(name));
  if (missing.length === 0) return undefined;
  const packages = [...new Set(missing.map((name) => PACKAGES[name]))].join(" ");
  return `not on this machine: ${missing.join(", ")} (Debian: apt-get install ${packages})`;
}

export function isCommand(name: string): boolean {
  return spawnSync("/bin/sh", ["-c", 'command -v "$0"', name]).status === 0;
}
