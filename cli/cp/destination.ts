import { statSync } from "node:fs";
import { createError, LocalDirectory } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { nameOf } from "../../src/files/index.ts";
import { pathBytes } from "../../src/target.ts";

/** The destination of copies on this machine. */
export interface Destination {
  /** The receiver closes it. */
  directory: LocalDirectory;
  /**
   * Name of the single copy in the directory; undefined if each copy keeps the name of its source.
   */
  name: string | undefined;
}

/**
 * Opens the destination as cp(1) does. An existing directory receives copies under the names of
 * their sources; any other path is the name of the single copy.
 * @throws PortholeError FILE: ENOENT, ENOTDIR; USAGE for `-`, and for several sources and no directory
 */
export function openDestination(path: string, sources: number): Destination {
  if (path === "-")
    throw new PortholeError("USAGE", "cannot copy to '-': cp writes files", {
      hint: "porthole cat writes to standard output; ./- is a file of that name",
    });
  if (isDirectory(path)) return { directory: LocalDirectory.open(pathBytes(path)), name: undefined };
  if (sources > 1)
    throw new PortholeError("USAGE", `cannot copy several sources to '${path}': it is not a directory`, {
      hint: "make it with mkdir, or name one source",
    });
  const end = path.replace(/\/+$/, "");
  const parent = end.slice(0, end.lastIndexOf("/") + 1);
  try {
    return { directory: LocalDirectory.open(pathBytes(parent === "" ? "." : parent)), name: nameOf(end) };
  } catch (error) {
    throw createError(pathBytes(path), error);
  }
}

function isDirectory(path: string): boolean {
  return statSync(pathBytes(path), { throwIfNoEntry: false })?.isDirectory() === true;
}
