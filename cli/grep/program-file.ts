import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { PortholeError } from "../../src/errors.ts";

/**
 * Returns the path of ripgrep: the optional dependency of porthole, else `rg` on the PATH.
 * @throws PortholeError USAGE if neither exists
 */
export function ripgrepPath(): string {
  const found = installed() ?? onPath();
  if (found !== undefined) return found;
  throw new PortholeError("USAGE", "cannot search: ripgrep is not installed", {
    hint: "install porthole with its optional dependencies, or run apt-get install ripgrep",
  });
}

function installed(): string | undefined {
  try {
    const path = createRequire(import.meta.url).resolve(`@vscode/ripgrep-linux-${process.arch}/bin/rg`);
    return isExecutable(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

function onPath(): string | undefined {
  const directories = (process.env.PATH ?? "").split(":").filter((directory) => directory.startsWith("/"));
  return directories.map((directory) => join(directory, "rg")).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
