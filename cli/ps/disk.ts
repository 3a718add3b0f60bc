import {
  type ContainerStorage,
  containerStorage,
  engines,
  isNotFound,
  volumeStorage,
} from "../../src/engines/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { deletedFiles } from "../../src/files/index.ts";
import { measureLogs } from "../../src/routes/index.ts";
import { type Target, targetName } from "../../src/target.ts";
import { exitStatus, report } from "../io/fail.ts";
import { jsonLine } from "../io/json.ts";
import { write } from "../io/output.ts";
import { Progress } from "../io/progress.ts";
import { interruptible } from "../targets/interruptible.ts";
import type { ConnectionOptions } from "../targets/options.ts";
import { SessionPool } from "../targets/session-pool.ts";
import { Slots } from "../targets/slots.ts";
import { containers } from "./containers.ts";
import { type DiskItem, diskTable } from "./disk-table.ts";

/** Disk usage of a container, with its display name. */
type Measured = ContainerStorage & { name: string };

/**
 * `porthole ps --disk`: lists the disk usage of containers, largest first. Continues after a
 * failure and returns the highest status.
 */
export async function disk(texts: readonly string[], options: ConnectionOptions & { json?: boolean }): Promise<number> {
  using sessions = new SessionPool(options);
  let status = 0;
  const failed = (error: unknown) => {
    progress.giveWay();
    report(error);
    status = Math.max(status, exitStatus(error));
  };
  const progress = new Progress();
  let done = 0;
  const one = async <T>(work: Promise<T>): Promise<T> => {
    const result = await work;
    done++;
    progress.show((_, columns) => `${done} measured`.slice(0, columns));
    return result;
  };
  try {
    const isAll = texts.length === 0;
    const targets = await containers(isAll ? ["*"] : texts, sessions, failed, { runningOnly: false });
    if (targets.length === 0 && status > 0) return status;
    const { storage, processes } = await measured(
      targets,
      { isAll, engine: options.engine },
      (work) => one(work),
      failed,
    );
    const items = [
      ...storage.flatMap(layer),
      ...(await logs(storage, options, failed)),
      ...(await volumes(storage, { isAll: isAll && options.label === undefined, engine: options.engine }, failed)),
      ...(await deleted(processes, sessions, (work) => one(work), failed)),
    ].sort(bySize);
    progress.erase();
    write(options.json ? items.map(jsonLine).join("") : diskTable(items));
    return status;
  } finally {
    progress.erase();
  }
}

/** Measures each container, and returns the targets that have processes. */
async function measured(
  targets: readonly Target[],
  { isAll, engine }: { isAll: boolean; engine: string | undefined },
  count: <T>(work: Promise<T>) => Promise<T>,
  failed: (error: unknown) => void,
): Promise<{ storage: Measured[]; processes: Target[] }> {
  const slots = new Slots(MEASURED_AT_ONCE);
  const storage: Measured[] = [];
  const processes: Target[] = [];
  await Promise.all(
    targets.map((target) =>
      slots.run(async () => {
        const name = targetName(target);
        try {
          if (target.kind !== "container") {
            if (target.kind !== "process") throw notAContainer(name);
            processes.push(target);
            return;
          }
          const one = await count(containerStorage(target.name, engine));
          storage.push({ ...one, name });
          if (one.isRunning) processes.push(target);
        } catch (error) {
          if (!(isAll && isGone(error))) failed(error);
        }
      }),
    ),
  );
  return { storage, processes };
}

/** True if the container was removed after it had been listed. */
function isGone(error: unknown): boolean {
  return isNotFound(error) || (error instanceof PortholeError && error.errno === "ESRCH");
}

/** Maximum number of concurrent requests. For each, the engine walks directories. */
const MEASURED_AT_ONCE = 4;

function layer({ name, layerBytes, engine }: Measured): DiskItem[] {
  return layerBytes === undefined ? [] : [item("layer", BigInt(layerBytes), [name], { engine: engine.name })];
}

/**
 * Measures the containers' logs. Reports in one line the containers whose logs cannot be measured.
 */
async function logs(
  storage: readonly Measured[],
  { route }: ConnectionOptions,
  failed: (error: unknown) => void,
): Promise<DiskItem[]> {
  const kept = storage.flatMap((one) => (one.logPath === "" ? [] : [{ ...one, path: one.logPath }]));
  const measured = await interruptible((signal) =>
    measureLogs(kept, { route: route === "auto" ? undefined : route, signal: signal() }),
  );
  const unseen = measured.flatMap((one) => ("error" in one ? [one.error] : []));
  const [why] = unseen;
  if (why !== undefined) {
    const others = unseen.length > 1 ? ` (of ${unseen.length} containers)` : "";
    failed(new PortholeError(why.code, `logs are not counted${others}: ${why.message}`, why));
  }
  return measured.flatMap((one) =>
    "error" in one ? [] : [item("log", BigInt(one.bytes), [one.name], { engine: one.engine.name, path: one.path })],
  );
}

/** Volumes of the containers; with `isAll` also unused volumes. */
async function volumes(
  storage: readonly Measured[],
  { isAll, engine: explicit }: { isAll: boolean; engine: string | undefined },
  failed: (error: unknown) => void,
): Promise<DiskItem[]> {
  const needed = storage.filter((one) => one.volumes.length > 0).map(({ engine }) => engine);
  const asked = new Map([...(isAll ? engines(explicit) : []), ...needed].map((engine) => [engine.socketPath, engine]));
  const found = await Promise.all(
    Array.from(asked.values(), async (engine) => {
      const here = storage.filter((one) => one.engine.socketPath === engine.socketPath);
      try {
        return (await volumeStorage(engine)).flatMap(({ name, bytes }) => {
          const users = here.filter((one) => one.volumes.includes(name)).map((one) => one.name);
          if (users.length === 0 && !isAll) return [];
          return [item("volume", bytes === undefined ? null : BigInt(bytes), users, { engine: engine.name, name })];
        });
      } catch (error) {
        // Without containers, this engine is only a default, which the user may not be permitted to
        // use.
        if (here.length > 0) failed(error);
        return [];
      }
    }),
  );
  return found.flat();
}

/**
 * Deleted files of running targets. Counts a file once, even if several targets or processes use
 * it.
 */
async function deleted(
  targets: readonly Target[],
  sessions: SessionPool,
  count: <T>(work: Promise<T>) => Promise<T>,
  failed: (error: unknown) => void,
): Promise<DiskItem[]> {
  sessions.prepare(targets);
  const found = new Map<string, DiskItem>();
  for (const target of targets) {
    try {
      const name = targetName(target);
      for (const file of await count(sessions.session(target).then((session) => deletedFiles(session, failed)))) {
        const { device, inode, path, bytes, holders } = file;
        const known = found.get(`${device} ${inode}`);
        if (known !== undefined) {
          known.containers.push(name);
          continue;
        }
        const kind = holders.every(({ fd }) => fd === undefined) ? "mapped" : "deleted";
        const processes = holders.map(({ pid, fd }) => ({ pid, fd: fd ?? null }));
        found.set(`${device} ${inode}`, item(kind, bytes, [name], { path, processes }));
      }
    } catch (error) {
      // The container ended meanwhile, and with it the use of its files.
      const hasEnded = target.kind === "container" && error instanceof PortholeError && error.errno === "ESRCH";
      if (!hasEnded) failed(error);
    }
  }
  return [...found.values()];
}

function item(
  kind: DiskItem["kind"],
  size: bigint | null,
  names: string[],
  rest: Partial<Pick<DiskItem, "engine" | "name" | "path" | "processes">>,
): DiskItem {
  return { kind, size, containers: names, engine: null, name: null, path: null, processes: [], ...rest };
}

/** Sorts the largest first; unknown sizes last. */
function bySize(a: DiskItem, b: DiskItem): number {
  const [first, second] = [a.size ?? -1n, b.size ?? -1n];
  return first === second ? 0 : first > second ? -1 : 1;
}

function notAContainer(name: string): PortholeError {
  return new PortholeError("USAGE", `cannot measure what '${name}' stores: it is not a container`, {
    hint: `porthole ls -ds --total ${name}:/ adds up its files`,
  });
}
