import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync } from "node:fs";
import { Readable } from "node:stream";
import type Docker from "dockerode";
import { inject } from "vitest";
import { uniqueName } from "../helpers/engine.ts";

/**
 * Copies files of this machine to a new directory by a shell script, which gets the directory as
 * `$0`. Returns the directory.
 */
export function copiedTree(script: string): string {
  const tree = mkdtempSync(`${inject("machine").directory}/tree-`);
  const { status, stderr } = spawnSync("sh", ["-c", `set -e\n${script}`, tree], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  mkdirSync(`${tree}/tmp`);
  return tree;
}

/** A command of the script of {@link copiedTree}: sets `libraries` to those of `$programs`. */
export const FIND_LIBRARIES =
  "libraries=$(for program in $programs; do ldd $program 2>/dev/null | grep -o '/[^ ]*' || true; done | sort -u)";

/** Returns an archive of a directory. */
export function archiveOf(tree: string): Buffer {
  const { stdout, stderr, status } = spawnSync("tar", ["-C", tree, "-c", "."], { maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(stderr.toString());
  return stdout;
}

/** Imports a directory as an image. Returns its name. */
export async function importedImage(api: Docker, tree: string): Promise<string> {
  const repo = `localhost/${uniqueName("porthole-base")}`;
  await Readable.from(await api.importImage(Readable.from([archiveOf(tree)]), { repo })).toArray();
  return repo;
}

/** Builds an image without a network. Returns its files as an archive. */
export async function builtFiles(
  api: Docker,
  context: Buffer,
  options: Pick<Docker.ImageBuildOptions, "version" | "dockerfile" | "buildargs" | "target">,
): Promise<Buffer> {
  const name = `localhost/${uniqueName("porthole-built")}`;
  const build = await api.buildImage(Readable.from([context]), { ...options, t: name, networkmode: "none" });
  const messages = await Readable.from(build).toArray();
  // The container needs a command, but never runs.
  const container = await api.createContainer({ Image: name, Cmd: ["/none"] }).catch(() => {
    throw new Error(Buffer.concat(messages as Buffer[]).toString());
  });
  try {
    return Buffer.concat(await Readable.from(await container.export()).toArray());
  } finally {
    await container.remove({ force: true });
  }
}
