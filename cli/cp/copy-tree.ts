import { DT_DIR, DT_LNK, DT_REG } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { deviceOf, inodeKey, joinPath, pseudoDevices, typeOf } from "../../src/files/index.ts";
import { type DirectoryEntry, kindOf, type OpenFile, type Session } from "../../src/sessions/index.ts";
import { pathBytes, type Target } from "../../src/target.ts";
import { openAhead } from "../targets/open-ahead.ts";
import type { NamedTarget, SessionPool } from "../targets/session-pool.ts";
import type { CopyDirectory } from "./copy-directory.ts";

type FileStat = OpenFile["stat"];

/** Shared by all copies of one command. */
export interface CopyContext {
  sessions: SessionPool;
  /** `-L`: copies the targets of links below a directory, not the links. */
  dereference: boolean;
  /** `-f`: replaces existing files on this machine. */
  replace: boolean;
  /** Receives the error of a file that was not copied; the copy continues. */
  failed: (error: unknown) => void;
  /** Called with bytes as they are copied, and after each file. */
  copied: (bytes: bigint) => void;
}

/**
 * Copies the contents of a target's directory into another directory. Files and links keep
 * permission bits and times. Reports FIFOs, sockets and devices. Skips /proc, /sys and other file
 * systems of the kernel unless the directory is inside such a file system.
 * @throws PortholeError if no more files can be written; SESSION
 */
export async function copyTree(
  source: NamedTarget,
  session: Session,
  into: CopyDirectory,
  context: CopyContext,
): Promise<void> {
  const stat = await session.stat(source.target.path);
  const pseudo = await pseudoDevices(session);
  pseudo.delete(deviceOf(stat));
  const tree: Tree = {
    ...context,
    session,
    source,
    prefix: source.text.slice(0, source.text.length - source.target.path.length),
    pseudo,
    destination: into.identity,
  };
  await copyDirectory(tree, { path: source.target.path, stat, above: [] }, into);
}

/**
 * Copies one open file, and closes it.
 * @throws PortholeError FILE if the source cannot be read or the copy cannot be created; EEXIST
 * without `replace`
 */
export async function copyFile(
  file: OpenFile,
  into: CopyDirectory,
  name: string,
  { replace, copied }: CopyContext,
): Promise<void> {
  try {
    let before = 0n;
    const onProgress = (now: bigint) => {
      copied(now - before);
      before = now;
    };
    await into.receive(file, pathBytes(name), { replace, onProgress });
  } catch (error) {
    throw withRemedy(error, replace);
  } finally {
    file.close();
  }
}

/** True if no more files can be written on this machine. */
export function isOutputLost(error: unknown): boolean {
  return error instanceof PortholeError && /^(ENOSPC|EDQUOT|EROFS)$/.test(error.errno ?? "");
}

/** True if copying the other files of the tree would fail too. */
function endsTree(error: unknown): boolean {
  return !(error instanceof PortholeError) || error.code !== "FILE" || isOutputLost(error);
}

interface Tree extends CopyContext {
  session: Session;
  source: NamedTarget;
  /** The part of a target before the path. */
  prefix: string;
  pseudo: Set<string>;
  /** Device and inode of the destination: copying it into itself would never end. */
  destination: string | undefined;
}

interface SourceDirectory {
  path: string;
  stat: FileStat;
  /** Identities of the directories above: links may lead back to them. */
  above: readonly string[];
}

async function copyDirectory(tree: Tree, from: SourceDirectory, into: CopyDirectory): Promise<void> {
  const directories: DirectoryEntry[] = [];
  const files: DirectoryEntry[] = [];
  const { session, failed } = tree;
  try {
    for await (const listed of session.list(from.path, { stat: true })) {
      const entry = await resolveLink(tree, from, listed);
      const type = entry?.stat && typeOf(entry.stat);
      if (entry === undefined) continue;
      if (type === DT_DIR) directories.push(entry);
      else if (type === DT_REG) files.push(entry);
      else if (type === DT_LNK) attempt(tree, () => copyLink(tree, entry, into));
      else failed(notCopied(tree, joinPath(from.path, entry.name), entry.stat));
      if (files.length >= BATCH) await copyFiles(tree, from, files.splice(0), into);
    }
  } catch (error) {
    if (endsTree(error)) throw error;
    failed(error);
  }
  await copyFiles(tree, from, files, into);
  for (const { name, stat } of directories) {
    if (stat === undefined) continue;
    try {
      await copySubdirectory(tree, from, name, stat, into);
    } catch (error) {
      if (endsTree(error)) throw error;
      failed(withRemedy(error, tree.replace));
    }
  }
}

async function copySubdirectory(
  tree: Tree,
  from: SourceDirectory,
  name: string,
  stat: FileStat,
  into: CopyDirectory,
): Promise<void> {
  const path = joinPath(from.path, name);
  const [identity, above] = [inodeKey(stat), [...from.above, inodeKey(from.stat)]];
  if (tree.pseudo.has(deviceOf(stat))) return;
  if (identity === tree.destination || above.includes(identity))
    throw new PortholeError("FILE", `cannot copy ${tree.prefix}${path}: it contains the directory it is copied to`, {
      errno: "ELOOP",
    });
  using directory = into.subdirectory(pathBytes(name));
  await copyDirectory(tree, { path, stat, above }, directory);
  if (directory.isNew) directory.finish(stat.mode, stat);
}

/** The entry, or with `-L` the target of a link; undefined if a missing target was reported. */
async function resolveLink(
  tree: Tree,
  from: SourceDirectory,
  entry: DirectoryEntry,
): Promise<DirectoryEntry | undefined> {
  const path = joinPath(from.path, entry.name);
  const isLink = entry.stat !== undefined && typeOf(entry.stat) === DT_LNK;
  if (entry.stat !== undefined && !(isLink && tree.dereference)) return entry;
  try {
    return { ...entry, stat: await tree.session.stat(path, { noFollow: !isLink }) };
  } catch (error) {
    if (endsTree(error)) throw error;
    tree.failed(error);
    return undefined;
  }
}

async function copyFiles(
  tree: Tree,
  from: SourceDirectory,
  entries: readonly DirectoryEntry[],
  into: CopyDirectory,
): Promise<void> {
  const targets = entries.map(({ name }): NamedTarget => {
    const path = joinPath(from.path, name);
    return { text: tree.prefix + path, target: { ...tree.source.target, path } as Target, isMatch: true };
  });
  let index = 0;
  for await (const opened of openAhead(tree.sessions, targets)) {
    const name = entries[index++]?.name ?? "";
    try {
      if ("error" in opened) throw opened.error;
      const { file } = opened;
      if (file.kind === "file") await copyFile(file, into, name, tree);
      else tree.failed(replaced(tree, joinPath(from.path, name), file));
    } catch (error) {
      if (endsTree(error)) throw error;
      tree.failed(error);
    }
  }
}

function copyLink({ replace }: Tree, { name, link, stat }: DirectoryEntry, into: CopyDirectory): void {
  if (link !== undefined && stat !== undefined) into.link(pathBytes(name), pathBytes(link), stat, { replace });
}

function attempt(tree: Tree, action: () => void): void {
  try {
    action();
  } catch (error) {
    if (endsTree(error)) throw error;
    tree.failed(withRemedy(error, tree.replace));
  }
}

/**
 * Closes a file that was replaced after it was listed, and returns the error for it. A container
 * must not make the copy wait for a FIFO, or fill the disk from /dev/zero.
 */
function replaced(tree: Tree, path: string, file: OpenFile): PortholeError {
  file.close();
  return notCopied(tree, path, file.stat);
}

function notCopied(tree: Tree, path: string, stat: FileStat | undefined): PortholeError {
  const what = stat === undefined ? "not accessible" : `a ${kindOf(stat.mode).replace("fifo", "FIFO")}`;
  return new PortholeError("FILE", `not copied: ${tree.prefix}${path}: ${what}`);
}

/** Adds the remedy for a file that exists already. @param replace true if -f was used */
export function withRemedy(error: unknown, replace: boolean): unknown {
  if (!(error instanceof PortholeError) || error.errno !== "EEXIST" || replace || error.hint) return error;
  return new PortholeError(error.code, error.message, { errno: error.errno, cause: error, hint: "-f replaces it" });
}

/**
 * Number of files that are opened together. Each directory level holds up to this many names and
 * stat results in memory.
 */
const BATCH = 256;
