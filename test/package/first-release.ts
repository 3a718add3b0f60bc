import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, symlinkSync } from "node:fs";
import { inject } from "vitest";
import { commitOfFirstRelease } from "../helpers/machine.ts";
import { repository } from "../helpers/paths.ts";

/**
 * Builds and packs version 0.1.0 from the repository's history, like its release. Uses this
 * checkout's dependencies, which are the same. Keeps the tarball in build/ for later runs.
 * @returns the tarball's path
 */
export function packedFirstRelease(): string {
  const commit = commitOfFirstRelease() ?? "";
  const kept = `${repository}build/porthole-0.1.0-${commit.slice(0, 12)}.tgz`;
  if (existsSync(kept)) return kept;
  const folder = mkdtempSync(`${inject("machine").directory}/first-release-`);
  const archive = execFileSync("git", ["archive", commit], { cwd: repository, maxBuffer: 1e9 });
  execFileSync("tar", ["-x", "-C", folder], { input: archive });
  symlinkSync(`${repository}node_modules`, `${folder}/node_modules`);
  // The C library for arm64 that this checkout's own package was built with.
  const cross = `${repository}agent/build/cross`;
  mkdirSync(`${folder}/agent/build`, { recursive: true });
  if (existsSync(cross)) symlinkSync(cross, `${folder}/agent/build/cross`);
  const { status, stdout, stderr } = spawnSync("npm", ["pack", "--json"], { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  // Renames atomically, because another test run may do the same at this time.
  execFileSync("cp", [`${folder}/${filename}`, `${kept}.${process.pid}`]);
  renameSync(`${kept}.${process.pid}`, kept);
  return kept;
}
