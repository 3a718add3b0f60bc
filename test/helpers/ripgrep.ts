import { spawnSync } from "node:child_process";
import { repository } from "./paths.ts";

/** The ripgrep program that porthole runs. */
export const ripgrepProgram = `${repository}node_modules/@vscode/ripgrep-linux-${process.arch}/bin/rg`;

/** Runs ripgrep itself in `cwd`, and returns its result. */
export function ripgrep(args: readonly string[], cwd: string): { stdout: Buffer; stderr: string; code: number | null } {
  const { stdout, stderr, status, error } = spawnSync(ripgrepProgram, ["--no-config", ...args], {
    cwd,
    maxBuffer: 1 << 30,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (error) throw error;
  return { stdout, stderr: stderr.toString(), code: status };
}

/** Removes durations, which differ between runs. */
export function withoutTimes(text: string): string {
  return text
    .replace(/"(secs|nanos)":\d+/g, '"$1":0')
    .replace(/"human":"[\d.]+s"/g, '"human":""')
    .replace(/^[\d.]+ seconds/gm, "0 seconds");
}
