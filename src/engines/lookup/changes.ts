import { PortholeError } from "../../errors.ts";
import { MAX_PATH } from "../../protocol/messages.ts";
import { type EngineResponse, engineGet, refusedBy } from "../api/engine.ts";
import { Json } from "../api/engine-json.ts";
import { isOfDirectory } from "../layers/podman-rootfs.ts";
import { inspectContainer, stateOf } from "./resolve.ts";

/** A change of a path against the image. */
export interface ContainerChange {
  kind: "changed" | "added" | "deleted";
  path: string;
}

/** A container's changes against its image, and the mounts that are not compared. */
export interface ContainerChanges {
  changes: ContainerChange[];
  /** Volumes and bind mounts: their content is not in the container's layer. */
  mounts: { destination: string; what: string }[];
}

/** Indexed by the engine's number of a kind. */
const KINDS = ["changed", "added", "deleted"] as const;

/**
 * Asks the engine for a container's changes against its image, sorted by path; the container may be
 * stopped. Omits volumes and bind mounts.
 * @throws PortholeError TARGET, CANCELLED
 */
export async function containerChanges(
  name: string,
  { engine: explicit, signal }: { engine?: string | undefined; signal?: AbortSignal | undefined },
): Promise<ContainerChanges> {
  const { engine, answer: inspection } = await inspectContainer(name, explicit, signal);
  // Throws if the container is being removed.
  stateOf(engine, inspection, name, "");
  if (isOfDirectory(inspection))
    throw new PortholeError("TARGET", `cannot compare '${name}': it was made of a directory, not of an image`, {
      hint: `compare the directories: porthole with ${name}:/ -- diff -r {} DIRECTORY`,
    });
  const answer = await engineGet(engine, `/containers/${inspection.id}/changes`, { signal, timeoutMs: TIMEOUT_MS });
  if (answer.status !== 200) throw refusedBy(engine, answer, `list the changes of '${name}'`);
  const mounts = mountsOf(inspection.json);
  const isMounted = (path: string) =>
    mounts.some(({ destination }) => path === destination || path.startsWith(`${destination}/`));
  const changes = changesOf(answer).filter(({ path }) => !isMounted(path));
  return { changes: changes.sort((a, b) => (a.path < b.path ? -1 : 1)), mounts };
}

/** Milliseconds. The value is large because the engine walks the container's layer. */
const TIMEOUT_MS = 120_000;

function changesOf({ body, request }: EngineResponse): ContainerChange[] {
  // Docker returns null if there is no change.
  if (body === null || body === undefined) return [];
  const usual = Array.isArray(body) ? body.map(usualChange) : [undefined];
  return usual.every((change) => change !== undefined) ? usual : new Json(body, request).list().map(changeOf);
}

/**
 * Fast path for valid values: the checks of {@link changeOf} take longer than the sort. Undefined
 * for other values, which {@link changeOf} reports.
 */
function usualChange(value: unknown): ContainerChange | undefined {
  const { Kind, Path } = (value ?? {}) as { Kind?: unknown; Path?: unknown };
  const kind = typeof Kind === "number" ? KINDS[Kind] : undefined;
  if (kind === undefined || typeof Path !== "string" || Path.length > MAX_PATH) return undefined;
  return { kind, path: Path };
}

function changeOf(json: Json): ContainerChange {
  const number = json.get("Kind");
  const kind = KINDS[number.whole() ?? -1];
  if (kind === undefined) throw number.typeError("0, 1 or 2");
  return { kind, path: json.get("Path").text() ?? "" };
}

function mountsOf(json: Json): ContainerChanges["mounts"] {
  return json
    .get("Mounts")
    .list()
    .map((mount) => {
      const name = mount.get("Name").text();
      const what = name ? `volume ${name}` : (mount.get("Type").text() ?? "a mount");
      return { destination: mount.get("Destination").text() ?? "", what };
    })
    .filter(({ destination }) => destination !== "");
}
