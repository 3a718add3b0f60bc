import { lstatSync } from "node:fs";
import { PortholeError } from "../../src/errors.ts";
import { pathBytes, type Target } from "../../src/target.ts";

/** Maximum wait for an engine: it only improves the message of an error. */
const PATIENCE_MS = 1_000;

/**
 * Refuses a local path that does not exist but is the name of a container: `porthole ls web`. Asks
 * the engine only about such a path.
 * @throws PortholeError FILE: ENOENT
 */
export async function checkContainerName(target: Target, engine: string | undefined): Promise<void> {
  if (target.kind !== "local" || !/^[A-Za-z0-9][\w.-]*$/.test(target.path)) return;
  if (lstatSync(pathBytes(target.path), { throwIfNoEntry: false }) !== undefined) return;
  const name = target.path;
  const { inspectContainer } = await import("../../src/engines/index.ts");
  try {
    await inspectContainer(name, engine, AbortSignal.timeout(PATIENCE_MS));
  } catch {
    return;
  }
  const hint = `for the container write ${name}:/`;
  throw new PortholeError("FILE", `${name}: No such file or directory`, { errno: "ENOENT", hint });
}
