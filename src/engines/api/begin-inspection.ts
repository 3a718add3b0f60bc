import { engines } from "./engine.ts";
import { isFullId } from "./engine-json.ts";
import { beginGet } from "./http.ts";

/** The request that finds a container by its name, id or id prefix. */
export function inspectionPath(name: string): string {
  return `/containers/${encodeURIComponent(name)}/json`;
}

/**
 * Asks the engines for a container that this process resolves next. They answer while the code for
 * it is loaded.
 * @throws PortholeError as {@link engines}
 */
export function beginInspection(name: string): void {
  // An agent may be known for it, so that no request is needed.
  if (isFullId(name)) return;
  for (const { socketPath, isCri } of engines()) if (!isCri) beginGet(socketPath, inspectionPath(name));
}
