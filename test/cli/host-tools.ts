import { spawnSync } from "node:child_process";

/**
 * Runs a local program in a directory, in the C locale and UTC. Returns its output as latin1, one
 * character per byte.
 */
export function hostTool(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): string {
  const { stdout, error } = spawnSync(command, args, {
    cwd,
    encoding: "latin1",
    maxBuffer: 1 << 28,
    env: { PATH: process.env.PATH ?? "", LC_ALL: "C", TZ: "Europe/Berlin", ...env },
  });
  if (error !== undefined) throw error;
  return stdout;
}

/** Gives the tested command a fixed time zone. */
export const zone = { TZ: "Europe/Berlin" };
