import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unmount } from "../../descriptors/files/unmount.ts";
import { messageOf, PortholeError, readOr } from "../../errors.ts";
import type { RunDirectory } from "./run-dir.ts";

/** A part of a target's tree that is mounted in this mount namespace. */
export interface MountedTree {
  /** Such as `web:/var/log`. */
  target: string;
  /** Absolute path of the mount point. */
  mountPoint: string;
  /** Pid of the process that unmounts it when the target ends. */
  keeper: number;
  /** Milliseconds since 1970. */
  since: number;
  /** Mount ID, device and root, from its line in /proc/self/mountinfo. */
  mount: string;
}

/**
 * Finds a mount of this mount namespace by its mount ID. Returns its identity and mount point;
 * undefined if there is none.
 */
export function mountOfNumber(number: string): { mount: string; mountPoint: string } | undefined {
  return mountTable().find(({ mount }) => mount.startsWith(`${number} `));
}

/** True if this exact path is a mount point. */
export function isMountPoint(path: string): boolean {
  return mountTable().some(({ mountPoint }) => mountPoint === path);
}

/**
 * Records a mount for {@link mountedTrees}.
 * @throws PortholeError ATTACH
 */
export function recordMount(run: RunDirectory, tree: MountedTree): void {
  const directory = join(run.root, "mounts");
  const name = join(directory, tree.mount.replace(/ .*/s, ""));
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(`${name}.new`, JSON.stringify(tree), { mode: 0o600 });
    renameSync(`${name}.new`, `${name}.json`);
  } catch (error) {
    throw new PortholeError("ATTACH", `cannot mount, because the mount cannot be recorded: ${messageOf(error)}`, {
      hint: "free some space, or set XDG_STATE_HOME to another directory",
      cause: error,
    });
  }
}

/**
 * Returns the recorded mounts that still exist, sorted by mount point. Deletes the records of
 * mounts that do not.
 */
export function mountedTrees(run: RunDirectory): MountedTree[] {
  const directory = join(run.root, "mounts");
  const table = new Set(mountTable().map(({ mount, mountPoint }) => `${mount} ${mountPoint}`));
  return recordsIn(directory)
    .filter(({ file, tree }) => {
      const isThere = table.has(`${tree.mount} ${tree.mountPoint}`);
      if (!isThere) rmSync(file, { force: true });
      return isThere;
    })
    .map(({ tree }) => tree)
    .sort((a, b) => (a.mountPoint < b.mountPoint ? -1 : 1));
}

/**
 * Unmounts a tree; its keeper then exits.
 * @throws PortholeError FILE
 */
export function unmountTree(run: RunDirectory, { mountPoint }: MountedTree): void {
  unmount(mountPoint);
  mountedTrees(run);
}

function recordsIn(directory: string): { file: string; tree: MountedTree }[] {
  const files = readOr([], () => readdirSync(directory)).filter((name) => name.endsWith(".json"));
  return files.flatMap((name) => {
    const file = join(directory, name);
    // Empty if another process has just removed the record.
    return readOr([], () => [{ file, tree: JSON.parse(readFileSync(file, "utf8")) as MountedTree }]);
  });
}

function mountTable(): { mount: string; mountPoint: string }[] {
  return readFileSync("/proc/self/mountinfo", "latin1")
    .split("\n")
    .flatMap((line) => {
      const [id = "", , device = "", root = "", point] = line.split(" ");
      return point === undefined ? [] : [{ mount: `${id} ${device} ${root}`, mountPoint: plain(point) }];
    });
}

/**
 * Decodes a field of mountinfo: first octal escapes of space, tab, newline and backslash, then
 * UTF-8.
 */
function plain(field: string): string {
  const bytes = field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return Buffer.from(bytes, "latin1").toString();
}
