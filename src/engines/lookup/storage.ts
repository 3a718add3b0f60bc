import { PortholeError } from "../../errors.ts";
import { type Engine, engineGet, errorMessageOf, isGone, refusedBy } from "../api/engine.ts";
import { Json } from "../api/engine-json.ts";
import { decodeInspection } from "../containers/inspection.ts";
import { inspectContainer } from "./resolve.ts";

/** Disk usage of a container, as its engine reports it. */
export interface ContainerStorage {
  engine: Engine;
  /** The container's id: 64 hexadecimal digits. */
  id: string;
  /** True if it has processes: running or paused. */
  isRunning: boolean;
  /** Size of its writable layer in bytes; undefined if the engine does not report it. */
  layerBytes: number | undefined;
  /**
   * Path of the engine's log file for its output, as the engine reports it; empty if there is none.
   */
  logPath: string;
  /** Names of its volumes. */
  volumes: readonly string[];
}

/** A volume and its size. */
export interface VolumeStorage {
  name: string;
  /** Bytes; undefined if its driver does not report them. */
  bytes: number | undefined;
}

/**
 * Requests the disk usage of a container. The engine walks the writable layer, which can take
 * minutes.
 * @throws PortholeError TARGET if there is no such container (ESRCH if it was removed meanwhile),
 * or if its engine does not respond
 */
export async function containerStorage(name: string, explicit: string | undefined): Promise<ContainerStorage> {
  const { engine, answer } = await inspectContainer(name, explicit);
  const path = `/containers/${answer.id}/json?size=true`;
  const measured = await engineGet(engine, path, { timeoutMs: WALK_TIMEOUT_MS });
  if (isGone(measured.status, errorMessageOf(measured)))
    throw new PortholeError("TARGET", `container '${name}' was removed`, { errno: "ESRCH" });
  if (measured.status !== 200) throw refusedBy(engine, measured, `measure container '${name}'`);
  const { body, request } = measured;
  const { isRunning, isPaused, isRestarting } = decodeInspection(body, request);
  const json = new Json(body, request);
  return {
    engine,
    id: answer.id,
    // Docker also calls a container running that waits for its next start.
    isRunning: (isRunning || isPaused) && !isRestarting,
    layerBytes: json.get("SizeRw").number(),
    logPath: json.get("LogPath").text() ?? "",
    volumes: json
      .get("Mounts")
      .list()
      .filter((mount) => mount.get("Type").text() === "volume")
      .flatMap((mount) => mount.get("Name").text() ?? []),
  };
}

/**
 * Lists all volumes of an engine with their sizes. The engine walks them, which can take minutes.
 * @throws PortholeError TARGET with the engine's message
 */
export async function volumeStorage(engine: Engine): Promise<VolumeStorage[]> {
  // Docker 29 reports volumes in another field, and only on request.
  const path = "/system/df?type=volume&verbose=1";
  const answer = await engineGet(engine, path, { timeoutMs: WALK_TIMEOUT_MS });
  if (answer.status !== 200) throw refusedBy(engine, answer, "measure its volumes");
  const json = new Json(answer.body, answer.request);
  const volumes = [...json.get("Volumes").list(), ...json.get("VolumeUsage").get("Items").list()];
  return volumes.map((volume) => {
    const bytes = volume.get("UsageData").get("Size").number();
    return { name: volume.get("Name").text() ?? "", bytes: bytes === undefined || bytes < 0 ? undefined : bytes };
  });
}

const WALK_TIMEOUT_MS = 600_000;
