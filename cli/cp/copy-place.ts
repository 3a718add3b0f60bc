import { join } from "node:path";
import { PortholeError } from "../../src/errors.ts";
import { nameOf } from "../../src/files/index.ts";
import { pathBytes, targetName } from "../../src/target.ts";
import type { NamedTarget } from "../targets/session-pool.ts";
import type { CopyDirectory } from "./copy-directory.ts";

/** Where a copy goes, below the destination. */
export interface CopyPlace {
  /** Directories to create for `--parents`. */
  directories: readonly string[];
  /** Undefined for `DIR/.`, whose contents go into the directory. */
  name: string | undefined;
}

/** Places each source of a command, and refuses two copies of one name. */
export class CopyPlaces {
  readonly #parents: boolean;
  readonly #single: string | undefined;
  readonly #taken = new Map<string, string>();

  /** @param single name of the single copy; undefined: each copy keeps its own name */
  constructor(single: string | undefined, { parents = false }: { parents?: boolean | undefined }) {
    if (parents && single !== undefined)
      throw new PortholeError("USAGE", "--parents needs an existing directory as the destination", {
        hint: "make it with mkdir",
      });
    this.#single = single;
    this.#parents = parents;
  }

  /** @throws PortholeError USAGE without a name; FILE EEXIST for the place of an earlier source */
  take(source: NamedTarget): CopyPlace {
    const name = this.#single ?? ownName(source);
    const directories = this.#parents ? parentsOf(source) : [];
    const path = [...directories, name ?? "."].join("/");
    const before = this.#taken.get(path);
    if (before !== undefined)
      throw new PortholeError("FILE", `not copied: ${source.text}: ${path} is already the copy of ${before}`, {
        errno: "EEXIST",
        hint: "--parents copies each to a directory of its container and path",
      });
    this.#taken.set(path, source.text);
    return { directories, name };
  }
}

/** Creates the directories, and runs an action in the last one. */
export async function inDirectories(
  into: CopyDirectory,
  [first, ...rest]: readonly string[],
  action: (directory: CopyDirectory) => Promise<void>,
): Promise<void> {
  if (first === undefined) return action(into);
  using inner = into.subdirectory(pathBytes(first));
  await inDirectories(inner, rest, action);
  const now = BigInt(Date.now()) * 1_000_000n;
  if (inner.isNew) inner.finish(0o755, { atime: now, mtime: now });
}

/**
 * Returns a copy's own name: the last part of the path that the user wrote, or that a glob matched.
 */
function ownName({ text, target }: NamedTarget): string | undefined {
  if (target.kind === "output") return `${targetName(target).replace(/[/:@]+/g, "-")}${target.path.slice(1)}.log`;
  const name = nameOf(target.path);
  if (name === ".") return undefined;
  if (name === "" || name === "/" || name === "..")
    throw new PortholeError("USAGE", `cannot copy ${text} into a directory: it has no name`, {
      hint: `${text.replace(/\/$/, "")}/. copies its contents; or name the copy: a path that does not exist`,
    });
  return name;
}

/** The name of the target, and the directories of the path: `web:`, `var`, `log`. */
function parentsOf({ target }: NamedTarget): string[] {
  const start = target.kind === "local" ? "" : `${targetName(target).replace(/:@$/, "")}:`;
  const path = target.kind === "output" ? "" : join("/", target.path, nameOf(target.path) === "." ? "." : "..");
  return `${start}/${path}`.split("/").filter((name) => name !== "");
}
