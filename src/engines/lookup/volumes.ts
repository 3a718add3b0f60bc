import { createHash } from "node:crypto";
import { askEngines } from "../api/ask-engines.ts";
import { type Engine, engineGet, namesInEngines, refusedBy } from "../api/engine.ts";
import { Json } from "../api/engine-json.ts";
import { withSimilarNames } from "../containers/similar-names.ts";

/** A volume of an engine. */
export interface Volume {
  engine: Engine;
  /** Hash of the engine's socket and the name: 64 hexadecimal digits. */
  id: string;
  name: string;
  isPodman: boolean;
  /** Distinguishes it from a later volume of the same name. */
  createdAt: string;
  driver: string;
  /** Directory of its files while it is mounted. */
  directory: string;
  /**
   * The mount of the driver at that directory, such as `type=nfs`; empty if the directory itself
   * has the files.
   */
  mounted: string;
}

/**
 * Finds a volume by name.
 * @throws PortholeError TARGET if no engine or several engines have it; CANCELLED through the
 * signal
 */
export async function resolveVolume(name: string, explicit: string | undefined, signal?: AbortSignal): Promise<Volume> {
  try {
    const { engine, answer } = await askEngines("volume", name, explicit, (asked) => inspect(asked, name, signal));
    return { engine, ...answer };
  } catch (error) {
    throw await withSimilarNames(error, "volume", name, () => volumeNames(explicit, { signal }));
  }
}

/** Names of the volumes of every engine that responds. */
export async function volumeNames(
  explicit: string | undefined,
  options: { timeoutMs?: number; signal?: AbortSignal | undefined } = {},
): Promise<string[]> {
  return namesInEngines(explicit, async (engine) => {
    const { status, body, request } = await engineGet(engine, "/volumes", options);
    if (status !== 200) return [];
    const volumes = new Json(body, request).get("Volumes").list();
    return volumes.map((one) => one.get("Name").text() ?? "").filter(Boolean);
  });
}

async function inspect(
  engine: Engine,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Omit<Volume, "engine"> | undefined> {
  const answer = await engineGet(engine, `/volumes/${encodeURIComponent(name)}`, { signal });
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw refusedBy(engine, answer, `inspect volume '${name}'`);
  const json = new Json(answer.body, answer.request);
  const options = Object.entries(json.get("Options").record()).filter(
    ([key]) => key === "type" || key === "device" || key === "o",
  );
  return {
    id: createHash("sha256").update(`${engine.socketPath}\0${name}`).digest("hex"),
    name,
    isPodman: answer.isPodman,
    createdAt: json.get("CreatedAt").text() ?? "",
    driver: json.get("Driver").text() ?? "",
    directory: json.get("Mountpoint").text() ?? "",
    mounted: options.map(([key, value]) => `${key}=${value}`).join(" "),
  };
}
