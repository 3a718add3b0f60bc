import { DT_DIR, DT_REG } from "../../../../src/descriptors/index.ts";
import { joinPath, listProcesses, typeOf } from "../../../../src/files/index.ts";
import type { Session } from "../../../../src/sessions/index.ts";
import { byText } from "../../../ls/order.ts";
import { naturalKey } from "../../lists/natural-order.ts";

/** A log file of a container. */
export interface LogFile {
  path: string;
  /** Size in bytes. */
  size: bigint;
  /** Last modification in milliseconds since 1970. */
  modified: number;
}

/** Directories to list, with their subdirectories. */
const DIRECTORIES = ["/var/log", "/log", "/logs"];

/** Maximum number of directory entries and open files to look at. */
const MAX_ENTRIES = 1_000;
const MAX_OPEN = 2_000;

const LOG = /\.(log|out|err)(\.\d+)?$|(^|\/)logs?\//;

/**
 * Finds log files of a container, most recent first. These are files below the usual directories,
 * and files with a log's name that its processes have open for writing. Opens none of them. When
 * the signal aborts, returns the files found so far.
 */
export async function findLogFiles(session: Session, signal: AbortSignal): Promise<LogFile[]> {
  const found = new Map<string, LogFile>();
  await addOpen(found, session, signal).catch(ignore);
  const budget = { left: MAX_ENTRIES };
  for (const directory of DIRECTORIES) await addListed(found, session, directory, 1, budget, signal).catch(ignore);
  return byText([...found.values()], ({ path }) => naturalKey(path)).sort((a, b) => b.modified - a.modified);
}

/** Most containers have only one of the directories, and some show no open files. */
function ignore(): void {}

async function addOpen(found: Map<string, LogFile>, session: Session, signal: AbortSignal): Promise<void> {
  if (session.offline !== undefined) return;
  for await (const { files } of listProcesses(session, { files: true, maxFiles: MAX_OPEN })) {
    for (const { access, stat, path, deleted } of files) {
      if (!access.includes("write") || deleted || typeOf(stat) !== DT_REG || !LOG.test(path)) continue;
      found.set(path, fileOf(path, stat));
    }
    if (signal.aborted) return;
  }
}

async function addListed(
  found: Map<string, LogFile>,
  session: Session,
  directory: string,
  depth: number,
  budget: { left: number },
  signal: AbortSignal,
): Promise<void> {
  const below: string[] = [];
  for await (const { name, type, stat } of session.list(directory, { stat: true })) {
    if (signal.aborted || budget.left-- <= 0) return;
    const path = joinPath(directory, name);
    if (type === DT_DIR) below.push(path);
    // Excludes account databases and empty files, which are not logs.
    else if (type === DT_REG && stat && stat.size > 0n && !/(^|\/)(lastlog|faillog|[bw]tmp)$/.test(path))
      found.set(path, fileOf(path, stat));
  }
  if (depth > 0)
    for (const path of below) await addListed(found, session, path, depth - 1, budget, signal).catch(ignore);
}

function fileOf(path: string, { size, mtime }: { size: bigint; mtime: bigint }): LogFile {
  return { path, size, modified: Number(mtime / 1_000_000n) };
}
