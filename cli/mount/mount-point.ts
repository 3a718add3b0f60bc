import { fstatSync, readdirSync, realpathSync } from "node:fs";
import { openDirectory } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { isMountPoint } from "../../src/routes/index.ts";

/** A local directory for a mount. The caller closes it. */
export interface MountPoint {
  path: string;
  fd: number;
  close(): void;
}

/**
 * Opens a mount point. It must be empty, belong to root and be writable only by root: a user who
 * can rename it could move the mount.
 * @throws PortholeError USAGE
 */
export function emptyDirectory(name: string): MountPoint {
  const path = realOf(name);
  const directory = openDirectory(path);
  try {
    const { uid, mode } = fstatSync(directory.number);
    if (uid !== 0) throw refused(name, `it belongs to uid ${uid}`);
    if ((mode & 0o022) !== 0) throw refused(name, `others may write to it (mode ${(mode & 0o7777).toString(8)})`);
    if (isMountPoint(path)) throw refused(name, "something is mounted there");
    if (readdirSync(`/proc/self/fd/${directory.number}`).length > 0) throw refused(name, "it is not empty");
    return { path, fd: directory.number, close: () => directory.close() };
  } catch (error) {
    directory.close();
    throw error;
  }
}

function refused(name: string, why: string): PortholeError {
  return new PortholeError("USAGE", `cannot mount on ${name}: ${why}`, {
    hint: "make a new directory, such as by mktemp --directory",
  });
}

function realOf(name: string): string {
  try {
    return realpathSync(name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "no such directory" : (code ?? String(error));
    throw refused(name, why);
  }
}
