import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { PortholeError } from "../../src/errors.ts";

/**
 * Returns the path of ripgrep: the optional dependency of porthole, else `rg` on the PATH.
 * @throws PortholeError USAGE if neither exists
 */
export function ripgrepPath(): string {
  const found = installed() ?? onPath("rg");
  if (found !== undefined) return found;
  throw new PortholeError("USAGE", "cannot search: ripgrep is not installed", {
    hint: "install porthole with its optional dependencies, or run apt-get install ripgrep",
  });
}

function installed(): string | undefined {
  const name = `@vscode/ripgrep-linux-${process.arch}/bin/rg`;
  return inDirectories(name) ?? resolved(name);
}

/** Looks where Node does by default: its own resolution takes a millisecond. */
function inDirectories(name: string): string | undefined {
  for (let directory = import.meta.dirname; ; directory = dirname(directory)) {
    const path = join(directory, "node_modules", name);
    if (isExecutable(path)) return path;
    if (directory === "/") return undefined;
  }
}

function resolved(name: string): string | undefined {
  try {
    const path = createRequire(import.meta.filename).resolve(name);
    return isExecutable(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the path of a program on the PATH. */
export function onPath(program: string): string | undefined {
  const directories = (process.env.PATH ?? "").split(":").filter((directory) => directory.startsWith("/"));
  return directories.map((directory) => join(directory, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
