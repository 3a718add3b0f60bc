import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { errnoText } from "../descriptors/errno.ts";
import type { Engine } from "../engines/engine.ts";
import { PortholeError } from "../errors.ts";
import { enginePlace } from "./engine-process.ts";

/**
 * Size in bytes of an engine's log file and its rotated files (`PATH.1`, `PATH.2.gz`). 0 if no file
 * exists, such as with Podman's journald.
 * @throws PortholeError FILE if this user may not read the engine's directory
 */
export function logBytes(engine: Engine, path: string): number {
  try {
    const place = enginePlace(engine);
    const there = place === undefined || !place.isEngines(path) ? path : place.path(path);
    const [directory, name] = [dirname(there), basename(there)];
    return readdirSync(directory)
      .filter((one) => one === name || (one.startsWith(`${name}.`) && /^\d+(\.gz)?$/.test(one.slice(name.length + 1))))
      .reduce((total, one) => total + (statSync(join(directory, one), { throwIfNoEntry: false })?.size ?? 0), 0);
  } catch (error) {
    const { code, errno = 0 } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return 0;
    throw new PortholeError("FILE", `cannot measure ${path}: ${errnoText(-errno)}`, {
      errno: code,
      hint: "run porthole as root, or as the owner of a rootless engine",
      cause: error,
    });
  }
}
