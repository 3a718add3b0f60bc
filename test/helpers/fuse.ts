import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync } from "node:fs";
import { inject } from "vitest";
import { repository } from "./paths.ts";
import { workloadReady } from "./processes.ts";
import { textOf } from "./text-of.ts";

/** A target with a FUSE file system. */
export interface FuseTarget {
  pid: number;
  place: string;
  stop(): Promise<void>;
}

/** Compiles a fixture, statically, to `out`. */
export function compileFixture(name: string, out: string): void {
  const source = `${repository}test/fixtures/${name}.c`;
  const compiled = spawnSync("cc", ["-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-static", "-o", out, source], {
    encoding: "utf8",
  });
  if (compiled.status !== 0) throw new Error(compiled.stderr);
}

/**
 * Starts a target whose first process sees a FUSE file system at `place`; its server responds as
 * test/fixtures/fuse-server.c documents.
 * @param answers true: the server lists only a file that it can read to its end
 */
export async function fuseTarget({ answers = false } = {}): Promise<FuseTarget> {
  const { directory } = inject("machine");
  // A separate path: another test file may run the program during this compilation.
  const own = mkdtempSync(`${directory}/fuse-`);
  const program = `${own}/server`;
  compileFixture("fuse-server", program);
  const place = `${own}/fs`;
  mkdirSync(place);
  const child = spawn(program, [place, ...(answers ? ["answers"] : [])], { stdio: ["ignore", "ignore", "pipe"] });
  const words = textOf(child.stderr);
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const pid = child.pid ?? 0;
  await workloadReady(pid, () => (child.exitCode === null ? undefined : words()));
  const stop = async () => {
    // The server is a child of this process and ends with it. Processes that wait for a response
    // also end.
    child.kill("SIGKILL");
    await ended;
  };
  return { pid, place, stop };
}
