import { spawnSync } from "node:child_process";

/**
 * What every case works with, and the cases' own needs, each with the Debian package that has it.
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
} as const;

/**
 * A program without which a case measures nothing; peers that may be missing are asked for by
 * `Stage.has`.
 */
export type Need = keyof typeof PACKAGES;

const STAGE: readonly Need[] = ["dockerd", "docker", "busybox", "cc", "bash", "tar", "nsenter", "taskset", "getconf"];

/** Why nothing can be measured here, in one line; undefined when all is there. */
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
