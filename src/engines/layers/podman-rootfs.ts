import { engineGet, refusedBy } from "../api/engine.ts";
import type { Engine } from "../api/engine-address.ts";
import { Json } from "../api/engine-json.ts";

/** Podman 4 and 5 serve this version of their own API. */
const API = "/v4.0.0/libpod";

/** True for a container that was made of a directory: `podman run --rootfs DIRECTORY`. */
export function isOfDirectory({ isPodman, json }: { isPodman: boolean; json: Json }): boolean {
  return isPodman && /^(sha256:)?$/.test(json.get("Image").text() ?? "");
}

/**
 * Returns the directory of a container without an image, as Podman sees it. Only Podman's own API
 * reports it; its storage has an almost empty layer for the container. Undefined if the engine does
 * not report one.
 * @throws PortholeError TARGET with the engine's message
 */
export async function rootfsOf(engine: Engine, id: string, signal?: AbortSignal): Promise<string | undefined> {
  const answer = await engineGet(engine, `${API}/containers/${id}/json`, { signal });
  if (answer.status !== 200) throw refusedBy(engine, answer, `inspect '${id.slice(0, 12)}'`);
  return new Json(answer.body, answer.request).get("Rootfs").text() || undefined;
}
