import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { inject } from "vitest";
import { nodePrograms } from "../../scripts/nodes.mjs";
import { repository } from "../helpers/paths.ts";

/** What `npm pack` says of the tarball. */
export interface Tarball {
  /** Path of the file. */
  path: string;
  /** Bytes of it. */
  size: number;
  files: { path: string; size: number; mode: number }[];
}

/** Packs the package anew into a directory of the run, as a release does. */
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

/** Programs of the versions of Node that the package must run with, by name. */
export function nodes(): Record<string, string> {
  return nodePrograms();
}

/**
 * Installs the tarball into `prefix` the way `npm install` does it, with the npm that runs here.
 * Throws what npm said when it fails.
 */
export function npmInstall(prefix: string, ...args: string[]): string {
  const flags = ["--no-audit", "--no-fund", "--loglevel=warn"];
  const { status, stdout, stderr } = spawnSync("npm", ["install", ...flags, ...args], {
    cwd: prefix,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return stdout + stderr;
}
