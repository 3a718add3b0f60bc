import { resolve } from "node:path";
import { PortholeError } from "../../src/errors.ts";
import { ensureTreeDirectory, type Tree, type TreeTarget } from "../../src/routes/index.ts";
import { followLinks } from "../../src/sessions/index.ts";
import { targetName } from "../../src/target.ts";
import { complain, printable } from "../io/fail.ts";
import type { SessionPool } from "../targets/session-pool.ts";
import type { Launch } from "./launcher.ts";
import { isDirectory, type NamedFile } from "./named-file.ts";

/** A named file, and its path for a command: see {@link Launch.files}. */
export interface TreeFile extends NamedFile {
  path: string | undefined;
  isOffline: boolean;
}

/** Files that a command gets by descriptor, without the other files of their directories. */
export interface Refused {
  files: readonly NamedFile[];
  error: PortholeError;
}

/** The paths of the named files for a command. */
export interface Placement extends Pick<Launch, "at" | "trees"> {
  treeFiles: readonly TreeFile[];
  /** Files without a tree, and the reason. */
  refused: readonly Refused[];
  /** Closes the trees. */
  close(): void;
}

/**
 * Takes a tree of each target that has a directory or a regular file among `named`. Without a tree,
 * passes files by descriptor and reports that in one line.
 * @throws PortholeError as `takeTree`, if a directory was named
 */
export async function placeInTrees(
  sessions: SessionPool,
  named: readonly NamedFile[],
  how: { write: boolean; allMounts: boolean },
): Promise<Placement> {
  const groups = new Map<string, NamedFile[]>();
  for (const one of named.filter(isInTree)) {
    const name = `${targetName(one.target)}:`;
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  const taken = await Promise.allSettled(
    Array.from(groups, async ([name, files]) => ({ name, tree: await treeFor(sessions, files, how) })),
  );
  const trees = taken.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const close = () => {
    for (const { tree } of trees) tree.close();
  };
  try {
    const refused = [...groups.values()].flatMap((files, index) => {
      const result = taken[index];
      return result?.status === "rejected" ? [withoutTree(files, result.reason as PortholeError)] : [];
    });
    const have = new Set(trees.map(({ name }) => name));
    const treeFiles = await Promise.all(named.map(async (one) => ({ ...one, ...(await pathOf(sessions, one, have)) })));
    return { at: ensureTreeDirectory(), trees, treeFiles, refused, close };
  } catch (error) {
    close();
    throw error;
  }
}

/**
 * Returns the tree of a container. If only the engine can read the container, the tree is a copy.
 */
async function treeFor(
  sessions: SessionPool,
  files: readonly NamedFile[],
  how: { write: boolean; allMounts: boolean },
): Promise<Tree> {
  const target = (files[0] as NamedFile).target as TreeTarget;
  const isCopied = (await sessions.session(target)).route === "copy";
  if (!isCopied || !files.some(isDirectory)) return sessions.tree(target, how);
  const { takeCopiedTree } = await import("./copied-tree.ts");
  return takeCopiedTree(sessions, files);
}

/**
 * Passes files without a tree by descriptor. Throws for a directory, which cannot be passed that
 * way.
 */
function withoutTree(files: readonly NamedFile[], error: PortholeError): Refused {
  if (error.code === "CANCELLED" || files.some(isDirectory)) throw error;
  return { files, error };
}

/** Reports which files a command opens without the other files of their directories, and why. */
export function sayDescriptor({ files, error: { message } }: Refused): void {
  const names = files.map(({ text }) => text).join(", ");
  complain(printable(`${names} ${files.length === 1 ? "is" : "are"} passed by descriptor: ${message}`));
}

/**
 * True if a file has a path in a tree. A relayed file has none, because its mount is detached in
 * the tree. Open files of a process, devices (nodev) and FIFOs have none either.
 */
function isInTree({ target, file }: NamedFile): boolean {
  if (target.kind === "local" || target.kind === "output" || file.relayed) return false;
  return file.kind === "directory" || (file.kind === "file" && !/^\/proc\/\d+\/fd\//.test(target.path));
}

/** Returns the path below the launcher's directory, without links: a tree does not follow links. */
async function pathOf(
  sessions: SessionPool,
  one: NamedFile,
  trees: ReadonlySet<string>,
): Promise<Pick<TreeFile, "path" | "isOffline">> {
  const { target, file } = one;
  if (target.kind === "local" && isDirectory(one)) return { path: resolve(target.path), isOffline: false };
  const name = `${targetName(target)}:`;
  if (!isInTree(one) || !trees.has(name)) return { path: undefined, isOffline: false };
  const session = await sessions.session(target);
  const isOffline = session.offline !== undefined;
  const path = await followLinks(target.path, (link) => session.readlink(link));
  // Accepts only a path in UTF-8, because Node passes arguments as UTF-8.
  if (path.isWellFormed()) return { path: name + (path === "/" ? "/." : path), isOffline };
  if (file.kind !== "directory") return { path: undefined, isOffline };
  const text = `cannot run a command in a directory whose name is not UTF-8: ${one.text}`;
  throw new PortholeError("USAGE", text, { hint: "name the directory above it" });
}
