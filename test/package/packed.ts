import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { inject } from "vitest";
import { nodePrograms } from "../../scripts/nodes.mjs";
import { repository } from "../helpers/paths.ts";

/** The output of `npm pack` about the tarball. */
export interface Tarball {
  /** Path of the file. */
  path: string;
  /** Size in bytes. */
  size: number;
  files: { path: string; size: number; mode: number }[];
}

/** Packs the package into a directory of the run, as a release does. */
export function packed(): Tarball {
  const directory = mkdtempSync(`${inject("machine").directory}/packed-`);
  const { status, stdout, stderr } = spawnSync("npm", ["pack", "--json", "--pack-destination", directory], {
    cwd: repository,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  const [said] = JSON.parse(stdout) as [{ filename: string; size: number; files: Tarball["files"] }];
  return { path: `${directory}/${said.filename}`, size: said.size, files: said.files };
}

/** Returns the supported versions of Node: their programs by name. */
export function nodes(): Record<string, string> {
  return nodePrograms();
}

/** Installs the tarball into `prefix` with the installed npm. Throws npm's output if it fails. */
export function npmInstall(prefix: string, ...args: string[]): string {
  const flags = ["--no-audit", "--no-fund", "--loglevel=warn"];
  const { status, stdout, stderr } = spawnSync("npm", ["install", ...flags, ...args], {
    cwd: prefix,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return stdout + stderr;
}
