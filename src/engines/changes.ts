import { PortholeError } from "../errors.ts";
import { engineGet, errorMessageOf } from "./engine.ts";
import { Json } from "./engine-json.ts";
import { resolveContainer } from "./resolve.ts";

/** What a container did to a path of its image. */
export interface ContainerChange {
  kind: "changed" | "added" | "deleted";
  path: string;
}

/** A container's changes against its image, and what they leave out. */
export interface ContainerChanges {
  changes: ContainerChange[];
  /** Volumes and bind mounts, whose content is none of the container's layer. */
  mounts: { place: string; what: string }[];
}

/** By the number that the engines give a change. */
const KINDS = ["changed", "added", "deleted"] as const;

/**
 * Asks a container's engine for what it changed against its image, running or not, by path. What lies on volumes and bind mounts is left out.
 * @throws PortholeError TARGET, CANCELLED
 */
export async function containerChanges(
  name: string,
  { engine: explicit, signal }: { engine?: string | undefined; signal?: AbortSignal | undefined },
): Promise<ContainerChanges> {
  const { running, stopped } = await resolveContainer(name, explicit, "", signal);
  const { engine, id } = running ?? stopped;
  const [answer, described] = await Promise.all([
    engineGet(engine, `/containers/${id}/changes`, { signal, timeoutMs: TIMEOUT_MS }),
    engineGet(engine, `/containers/${id}/json`, { signal }),
  ]);
  if (answer.status !== 200) {
    const text = errorMessageOf(answer) ?? `HTTP status ${answer.status}`;
    throw new PortholeError(
      "TARGET",
      `the engine at ${engine.socketPath} does not list the changes of '${name}': ${text}`,
    );
  }
  const mounts = described.status === 200 ? mountsOf(new Json(described.body, described.request)) : [];
  const isMounted = (path: string) => mounts.some(({ place }) => path === place || path.startsWith(`${place}/`));
  // Docker says null where there is no change.
  const all = answer.body === null || answer.body === undefined ? [] : new Json(answer.body, answer.request).list();
  const changes = all.map(changeOf).filter(({ path }) => !isMounted(path));
  return { changes: changes.sort((a, b) => (a.path < b.path ? -1 : 1)), mounts };
}

/** Milliseconds for the engine to compare: it walks the container's layer. */
const TIMEOUT_MS = 120_000;

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
      return { place: mount.get("Destination").text() ?? "", what };
    })
    .filter(({ place }) => place !== "");
}
