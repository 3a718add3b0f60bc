import { once } from "node:events";
import type { Duplex } from "node:stream";
import { spawnChild } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import {
  agentProgram,
  ensureRunDirectory,
  ensureTreeDirectory,
  joinableProcess,
  mountOfNumber,
  recordMount,
  type TreeTarget,
} from "../../src/routes/index.ts";
import { followLinks, kindOf } from "../../src/sessions/index.ts";
import { targetName, withPath } from "../../src/target.ts";
import type { SessionPool } from "../targets/session-pool.ts";
import type { MountPoint } from "./mount-point.ts";

/**
 * Mounts a directory of a running target. Starts the process that unmounts it when the target ends
 * (agent/keep.c).
 * @throws PortholeError as `takeTree`; ATTACH; FILE for a path that is missing or not a directory
 */
export async function mountAt(
  sessions: SessionPool,
  target: TreeTarget,
  mountPoint: MountPoint,
  allMounts: boolean,
): Promise<void> {
  const { pid, started } = await joinableProcess(target, { engine: sessions.engine });
  const session = await sessions.session(target);
  const path = await followLinks(target.path, (link) => session.readlink(link));
  const name = `${targetName(target)}:`;
  const kind = kindOf((await session.stat(path)).mode);
  if (kind !== "directory") {
    throw new PortholeError("FILE", `cannot mount ${name}${path}: a ${kind}, not a directory`, { errno: "ENOTDIR" });
  }
  using tree = await sessions.tree(target, { write: false, allMounts });
  const args = [
    ...["run", "--at", ensureTreeDirectory(), "--tree", "3", "--name", name, "--on", "4", "--host", "5"],
    ...["--directory", name + (path === "/" ? "/." : path), "--mount-point", mountPoint.path],
    ...["--target-pid", String(pid), "--target-start", started, ...(allMounts ? ["--all-mounts"] : [])],
  ];
  const keeper = await startKeeper(args, [tree.fd.number, mountPoint.fd]);
  const found = mountOfNumber(keeper.number);
  const text = `${name}${withPath(target, path).path}`;
  // If the target has ended, the mount is already gone.
  if (found !== undefined)
    recordMount(ensureRunDirectory(), { target: text, ...found, keeper: keeper.pid, since: Date.now() });
  await keeper.confirm();
}

/** The process that has mounted a tree and will unmount it (agent/keep.c). */
interface Keeper {
  pid: number;
  /** The mount ID. */
  number: string;
  /** Tells that the mount is recorded. If this process ends before, the keeper unmounts the tree. */
  confirm(): Promise<void>;
}

/** Resolves when the keeper has mounted the tree. The keeper outlives this process. */
async function startKeeper(args: string[], inherited: number[]): Promise<Keeper> {
  const stdio = ["ignore", "ignore", "ignore", ...inherited, "pipe"] as const;
  const child = spawnChild(agentProgram(), args, { stdio: [...stdio], detached: true });
  const host = child.stdio.at(-1) as Duplex;
  const text = await Promise.race([firstLine(host), once(child, "error").then(() => "")]);
  child.unref();
  const number = /^mounted (\d+)\n$/.exec(text)?.[1];
  const { pid } = child;
  if (number !== undefined && pid !== undefined) return { pid, number, confirm: () => confirm(host) };
  const why = text.replace(/^porthole-agent: /, "").trim() || "the agent program could not be started";
  throw new PortholeError("ATTACH", `cannot mount: ${why}`);
}

/** Reads up to the first newline or the end. */
function firstLine(host: Duplex): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    host.on("data", (piece: Buffer) => {
      text += piece.toString();
      if (text.endsWith("\n")) resolve(text);
    });
    host.once("end", () => resolve(text));
  });
}

function confirm(host: Duplex): Promise<void> {
  return new Promise<void>((resolve) => {
    // The keeper has ended if the target has.
    host.once("error", () => resolve());
    host.end("\n", resolve);
  }).finally(() => host.destroy());
}
