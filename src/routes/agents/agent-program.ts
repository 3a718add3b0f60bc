import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PortholeError } from "../../errors.ts";
import type { RunDirectory } from "../run-directory/run-dir.ts";

/** Name of the agent program in the directory that containers mount. */
export const AGENT_NAME = "agent";

/**
 * Path of the agent program of this build: from the build directory, or from the package for this
 * processor.
 * @throws PortholeError ATTACH if there is none
 */
export function agentProgram(): string {
  const prebuilt = `../agent/prebuilt/${process.arch}/porthole-agent`;
  for (const candidate of ["../agent/build/porthole-agent", "../../../agent/build/porthole-agent", prebuilt]) {
    const path = fileURLToPath(new URL(candidate, import.meta.url));
    if (existsSync(path)) return path;
  }
  throw new PortholeError("ATTACH", "the agent program is missing from this installation", {
    hint: "run npm run build in the source directory",
  });
}

/** Hash of the agent program in 16 hexadecimal digits; the tag of its image. */
export function agentHash(): string {
  return createHash("sha256").update(readFileSync(agentProgram())).digest("hex").slice(0, 16);
}

/**
 * Copies the agent program into the directory that containers mount. Replaces it by rename, so that
 * no container sees an incomplete program.
 */
export function installAgent(run: RunDirectory): void {
  const source = agentProgram();
  const target = join(run.mount, AGENT_NAME);
  if (existsSync(target) && readFileSync(target).equals(readFileSync(source))) return;
  const temporary = `${target}.${process.pid}`;
  try {
    copyFileSync(source, temporary);
    chmodSync(temporary, 0o755);
    renameSync(temporary, target);
  } finally {
    rmSync(temporary, { force: true });
  }
}
