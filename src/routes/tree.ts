import { openSync } from "node:fs";
import { OwnedFd } from "../descriptors/owned-fd.ts";
import { canEnterNamespaces, requireStartTime, startTime } from "../descriptors/process.ts";
import type { LayerRole } from "../engines/layers/layers.ts";
import { type ContainerState, type RunningContainer, resolveContainer } from "../engines/lookup/resolve.ts";
import { PortholeError } from "../errors.ts";
import type { AgentRoute } from "../protocol/agent-info.ts";
import { TreeFlag } from "../protocol/messages.ts";
import type { Target } from "../target.ts";
import { installAgent } from "./agents/agent-program.ts";
import { ATTACH_TIMEOUT_MS, type StartOptions } from "./agents/attachment.ts";
import { isFirstProcess, otherKernelError, otherMachineError } from "./agents/kernel.ts";
import type { OfflineTarget } from "./offline/offline-target.ts";
import { ensureRunDirectory, MOUNT_POINT } from "./run-directory/run-dir.ts";
import type { Sidecar } from "./sidecar/sidecar-description.ts";
import { inCurrentState } from "./start/current-state.ts";
import { childTree } from "./start/direct.ts";
import { allRoutesFailed, notAllowed, notHere, routeObstacle, targetEndedError, toAttachError } from "./start/start.ts";

/**
 * A detached copy of all mounts of a target. Its mounts are read-only, nosuid, nodev and
 * nosymfollow.
 */
export interface Tree extends Disposable {
  /** From open_tree(2), for `porthole-agent run` to attach. */
  fd: OwnedFd;
  /**
   * The target's mount table, which must contain each mount of the tree. Undefined if a process of
   * this user made the tree, out of the target's reach.
   */
  table: OwnedFd | undefined;
  /** Closes the descriptors. Idempotent. */
  close(): void;
}

/** Options of {@link takeTree}. */
export interface TreeOptions extends StartOptions {
  /** Makes the tree writable, if the target's own mounts are writable. */
  write?: boolean | undefined;
  /** Includes layers on file systems whose server may block. */
  allMounts?: boolean | undefined;
  /**
   * The container, if its engine has just described it. Its process is checked in any case.
   */
  running?: RunningContainer | undefined;
  /**
   * A local directory with copies of a stopped container's files. The tree is taken from it instead
   * of from the layers.
   */
  copy?: string | undefined;
}

/** A target that has a tree. */
export type TreeTarget = Exclude<Target, { kind: "local" | "output" }>;

/**
 * Takes a tree through an agent that exits once it has passed the tree. The agent runs on the first
 * route that works: as a child of this process, or in a sidecar.
 * @throws PortholeError TARGET, ATTACH with every route's reason, CANCELLED
 */
export async function takeTree(target: TreeTarget, options: TreeOptions): Promise<Tree> {
  switch (target.kind) {
    case "process":
      return processTree(target.pid, options);
    case "container":
      return containerTree(target.name, options);
    case "image": {
      const [{ resolveImage }, { offlineImage }] = await Promise.all([
        import("../engines/lookup/images.ts"),
        import("./offline/offline-target.ts"),
      ]);
      return offlineTree(offlineImage(await resolveImage(target.name, options.engine, options.signal)), options);
    }
    case "volume": {
      const [{ resolveVolume }, { offlineVolume }] = await Promise.all([
        import("../engines/lookup/volumes.ts"),
        import("./offline/offline-target.ts"),
      ]);
      return offlineTree(offlineVolume(await resolveVolume(target.name, options.engine, options.signal)), options);
    }
  }
}

/**
 * Takes a tree as {@link takeTree} does, but only by a process of this user: a sidecar would take
 * longer than many uses of a tree.
 * @throws PortholeError as {@link takeTree}; ATTACH at once if this user may not enter the
 * container
 */
export async function takeDirectTree(target: TreeTarget, options: Omit<TreeOptions, "route">): Promise<Tree> {
  const { running } = options;
  if (running !== undefined && !canEnterNamespaces(running.pid)) throw notAllowed(running.pid);
  return takeTree(target, { ...options, route: "direct" });
}

async function processTree(pid: number, options: TreeOptions): Promise<Tree> {
  const started = requireStartTime(pid);
  if (!canEnterNamespaces(pid)) throw notAllowed(pid);
  return directTree(pid, started, `pid:${pid}`, options);
}

async function containerTree(name: string, options: TreeOptions): Promise<Tree> {
  const state = options.running
    ? { running: options.running }
    : await resolveContainer(name, options.engine, MOUNT_POINT, options.signal);
  return inCurrentState(state, options.signal, (current) => treeInState(current, options));
}

async function treeInState({ running, stopped }: ContainerState, options: TreeOptions): Promise<Tree> {
  if (running === undefined) {
    const { offlineContainer } = await import("./offline/offline-target.ts");
    const files = offlineContainer(stopped);
    return offlineTree(options.copy === undefined ? files : { ...files, layers: copyAt(options.copy) }, options);
  }
  const elsewhere = otherKernelError(running) ?? (await otherMachineError(running, options.signal));
  if (elsewhere !== undefined) throw elsewhere;
  if (running.lazyDriver !== undefined && !options.allMounts) throw lazySnapshotterError(running);
  const run = ensureRunDirectory();
  return firstOf(options, (route) => {
    const obstacle = routeObstacle(route, running, run, "");
    if (obstacle !== undefined) throw obstacle;
    return route === "direct" ? runningTree(running, options) : sidecarTree(running, options);
  });
}

function copyAt(directory: string): OfflineTarget["layers"] {
  const roles: LayerRole[] = [{ kind: "copy", number: 0, count: 0 }];
  return async () => ({ directories: [directory], roles, binds: [], absent: [] });
}

function lazySnapshotterError({ name, lazyDriver }: RunningContainer): PortholeError {
  const text = `cannot pass the files of '${name}' as a tree: the snapshotter ${lazyDriver} may serve them with a program that does not answer`;
  return new PortholeError("ATTACH", text, { hint: "name single files, or use --all-mounts" });
}

async function offlineTree(files: OfflineTarget, options: TreeOptions): Promise<Tree> {
  const { layerOptions, layersFor, withLayers, withoutMissing } = await import("./offline/start-offline.ts");
  const known = await files.layers(options.signal);
  return firstOf(options, async (route) => {
    const layers = await layersFor(route, files, known, ensureRunDirectory(), options);
    if (route === "direct")
      return treeOf(await childTree(`'${files.name}'`, layerOptions(layers), flagsOf(options), waitOf(options)));
    const { treeSuffix } = await import("./sidecar/sidecar-description.ts");
    // No process of the target can interfere on this route, so no mount table is needed to check
    // the tree.
    return withoutMissing(layers, (present) => {
      const sidecar = withLayers(files, present);
      const tree = { ...sidecar, options: [...sidecar.options, "--tree"], suffix: treeSuffix() };
      return bySidecar(tree, undefined, options);
    });
  });
}

/** Tries the routes that have trees. */
async function firstOf(options: TreeOptions, take: (route: AgentRoute) => Promise<Tree>): Promise<Tree> {
  if (options.route === "mount" || options.user)
    throw new PortholeError("ATTACH", "an agent inside the container cannot pass a tree of its mounts", {
      hint: "leave out --route mount and --user",
    });
  const failures: { route: AgentRoute; error: PortholeError }[] = [];
  for (const route of options.route === undefined ? (["direct", "sidecar"] as const) : [options.route]) {
    try {
      return await take(route);
    } catch (error) {
      if (error instanceof PortholeError && error.code === "CANCELLED") throw error;
      failures.push({ route, error: toAttachError(error) });
    }
  }
  throw allRoutesFailed(failures);
}

async function runningTree(container: RunningContainer, options: TreeOptions): Promise<Tree> {
  const started = startTime(container.pid);
  // Checked again after the start time is known. From this point on, another process of that number
  // is refused.
  if (started === undefined || !isFirstProcess(container)) throw notHere(container);
  return directTree(container.pid, started, `'${container.name}'`, options);
}

async function directTree(pid: number, started: string, name: string, options: TreeOptions): Promise<Tree> {
  const how = ["--target-pid", String(pid), "--target-start", started];
  return treeOf(await childTree(name, how, flagsOf(options), waitOf(options)));
}

/**
 * A process of the container could trace an agent in a sidecar and pass another tree. The
 * container's own mount table reveals that.
 */
async function sidecarTree(container: RunningContainer, options: TreeOptions): Promise<Tree> {
  const table = mountTable(container);
  try {
    if (!isFirstProcess(container)) throw notHere(container);
    const { treeSidecar } = await import("./sidecar/sidecar-description.ts");
    return await bySidecar(treeSidecar(container), table, options);
  } catch (error) {
    table.close();
    throw error;
  }
}

function mountTable(container: RunningContainer): OwnedFd {
  try {
    return OwnedFd.adopt(openSync(`/proc/${container.pid}/mountinfo`, "r"));
  } catch (error) {
    // EINVAL: a process that is ending.
    if (!/^(ENOENT|ESRCH|EINVAL)$/.test((error as NodeJS.ErrnoException).code ?? "")) throw error;
    throw targetEndedError(container);
  }
}

async function bySidecar(sidecar: Sidecar, table: OwnedFd | undefined, options: TreeOptions): Promise<Tree> {
  const run = ensureRunDirectory();
  installAgent(run);
  const { runSidecar } = await import("./sidecar/sidecar.ts");
  // A container of the image is its own tree, which the engine empties when it removes the
  // container.
  const hold = sidecar.image !== undefined;
  const how = { ...waitOf(options), user: "", idleSeconds: 1, tree: flagsOf(options), hold };
  const { tree, held } = await runSidecar(sidecar, run, undefined, how);
  if (tree === undefined)
    throw new PortholeError("ATTACH", `the sidecar of '${sidecar.name}' passed no tree`, {
      hint: "please report it",
    });
  return treeOf(tree, table, held);
}

function treeOf(fd: OwnedFd, table?: OwnedFd, held?: OwnedFd): Tree {
  const close = () => {
    fd.close();
    table?.close();
    held?.close();
  };
  return { fd, table, close, [Symbol.dispose]: close };
}

function flagsOf({ write, allMounts }: TreeOptions): number {
  return (write ? TreeFlag.write : 0) | (allMounts ? TreeFlag.allMounts : 0);
}

function waitOf({ timeoutMs = ATTACH_TIMEOUT_MS, signal }: TreeOptions) {
  return { timeoutMs, signal };
}
