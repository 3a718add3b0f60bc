import { constants, readFileSync } from "node:fs";
import { O_PATH } from "../descriptors/constants.ts";
import { errnoName, errnoText } from "../descriptors/errno.ts";
import { PortholeError } from "../errors.ts";
import type { FileStat } from "../protocol/file-stat.ts";
import type { MappingRecord, ProcessFileRecord, ProcessRecord } from "../protocol/records.ts";
import type { Session } from "../sessions/interface/session.ts";
import { pathText } from "../target.ts";
import { addMapping, DELETED, describeMapping, isKernelMemory, type MappedFile } from "./mapped-files.ts";
import { mountsOf } from "./usage.ts";

/** A process of a target. */
export interface TargetProcess {
  /** The number inside the target. `parent` is 0 if the parent has no number in the target. */
  pid: number;
  parent: number;
  /** Effective user id. */
  uid: number;
  /** Undefined if this machine's boot time is unknown. */
  started: Date | undefined;
  /** At most 15 bytes (proc_pid_comm(5)). */
  command: string;
  /** The first 4096 bytes of the command line; empty for a kernel thread. */
  arguments: string[];
  /** Empty unless requested. */
  files: ProcessFile[];
  /** Deleted files mapped into memory without a descriptor. Empty unless `files` are requested. */
  mapped: MappedFile[];
  /** Why its open files could not be listed. */
  filesError: PortholeError | undefined;
}

/** An open file of a process. */
export interface ProcessFile {
  fd: number;
  /** `path` for a descriptor opened with O_PATH. */
  access: "read" | "write" | "read and write" | "path";
  /** Access mode and open flags as in open(2). */
  flags: number;
  append: boolean;
  /** The offset of the open file. Meaningless without positions, such as in a pipe. */
  position: bigint;
  stat: FileStat;
  /**
   * Path as the process sees it, or the kernel's text: `pipe:[4711]`, `socket:[42]`,
   * `anon_inode:[eventpoll]`.
   */
  path: string;
  /**
   * True if the file no longer has this name; `path` is then without the kernel's suffix. False for
   * kernel memory such as memfd_create(2), which never had a name and keeps the suffix.
   */
  deleted: boolean;
  /** Bytes of storage that would be freed if all open descriptors were closed. */
  held: bigint;
}

const O_ACCMODE = 3;

/**
 * The target's processes in order of their numbers on this machine; with open files if `files` is
 * set. Ends at the process with open file number `maxFiles` + 1, and omits that process: it may
 * have a million files.
 * @throws PortholeError FILE, SESSION
 */
export async function* listProcesses(
  session: Session,
  options: { files?: boolean | undefined; maxFiles?: number | undefined } = {},
): AsyncGenerator<TargetProcess> {
  const booted = bootTime();
  let current: TargetProcess | undefined;
  let root = "";
  let left = options.maxFiles ?? Number.POSITIVE_INFINITY;
  const deletedFiles = new DeletedFiles(session);
  for await (const record of session.processes({ files: options.files === true })) {
    if (record.kind !== "process" && left-- <= 0) break;
    if (record.kind === "file") current?.files.push(await describeFile(deletedFiles, record, root));
    else if (record.kind === "mapping") {
      const mapping = await mappingOf(deletedFiles, record, root);
      if (current && mapping) addMapping(current.mapped, mapping, current.files);
    } else {
      if (current !== undefined) yield current;
      current = describeProcess(record, booted);
      if (options.files) root = await rootOf(session, record.pid);
    }
  }
  if (current !== undefined) yield current;
}

function describeProcess(record: ProcessRecord, booted: number | undefined): TargetProcess {
  const { pid, parent, uid, error } = record;
  const text = pathText(record.arguments);
  return {
    pid,
    parent,
    uid,
    started: booted === undefined ? undefined : new Date((booted + Number(record.start) / TICKS) * 1000),
    command: pathText(record.command),
    arguments: text === "" ? [] : text.replace(/\0$/, "").split("\0"),
    files: [],
    mapped: [],
    filesError:
      error === 0
        ? undefined
        : new PortholeError("FILE", `cannot list open files: ${errnoText(error)}`, { errno: errnoName(error) }),
  };
}

async function describeFile(deletedFiles: DeletedFiles, record: ProcessFileRecord, root: string): Promise<ProcessFile> {
  const { fd, flags, position, stat } = record;
  const link = linkBelow(root, record);
  const deleted =
    link.endsWith(DELETED) &&
    !(await deletedFiles.isKernelMemory(link, stat.device)) &&
    (stat.links === 0 || !(await deletedFiles.exists(link, stat)));
  return {
    fd,
    access: accessOf(flags),
    flags,
    append: (flags & constants.O_APPEND) !== 0,
    position,
    stat,
    path: deleted ? link.slice(0, -DELETED.length) : link,
    deleted,
    // A file with another name, or in an image layer, would not be freed.
    held: deleted && stat.links === 0 ? stat.blocks * 512n : 0n,
  };
}

/** A mapped file; undefined for kernel memory and for a file that is not deleted. */
async function mappingOf(
  deletedFiles: DeletedFiles,
  record: MappingRecord,
  root: string,
): Promise<MappedFile | undefined> {
  const link = linkBelow(root, record);
  const isOther =
    !link.endsWith(DELETED) ||
    (await deletedFiles.isKernelMemory(link, record.device)) ||
    (await deletedFiles.exists(link, record));
  return isOther ? undefined : describeMapping(record, link);
}

/** The path of a record as its process sees it. */
function linkBelow(root: string, { link }: { link: Uint8Array }): string {
  const text = pathText(link);
  return root !== "" && text.startsWith(`${root}/`) ? text.slice(root.length) : text;
}

/**
 * Returns a process's root, relative to the top of its mount namespace. The links of its files are
 * relative to that top. Empty except under chroot(2).
 */
async function rootOf(session: Session, pid: number): Promise<string> {
  return fileOr("", async () => (await session.readlink(`/proc/${pid}/root`)).replace(/\/$/, ""));
}

function accessOf(flags: number): ProcessFile["access"] {
  if ((flags & O_PATH) !== 0) return "path";
  return (["read", "write", "read and write"] as const)[flags & O_ACCMODE] ?? "read and write";
}

/** Resolves paths with the kernel's deleted suffix in the target. */
class DeletedFiles {
  readonly #session: Session;
  #mounted: Promise<ReadonlySet<string>> | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  /**
   * True if the file has this exact name, suffix included. Compares only inode numbers, because
   * overlayfs and btrfs report two devices for one mapped file.
   */
  async exists(path: string, { inode }: { inode: bigint }): Promise<boolean> {
    const there = await fileOr(undefined, () => this.#session.stat(path, { noFollow: true }));
    return there?.inode === inode;
  }

  async isKernelMemory(path: string, device: { major: number; minor: number }): Promise<boolean> {
    if (!isKernelMemory(path, device, NONE)) return false;
    this.#mounted ??= fileOr(NONE, () => this.#readMounted());
    return isKernelMemory(path, device, await this.#mounted);
  }

  async #readMounted(): Promise<ReadonlySet<string>> {
    const mounts = await mountsOf(this.#session);
    return new Set(mounts.map(({ device: { major, minor } }) => `${major}:${minor}`));
  }
}

const NONE: ReadonlySet<string> = new Set();

/** Returns the result of `ask`, or `otherwise` if the target has no such file. */
async function fileOr<T>(otherwise: T, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof PortholeError && error.code === "FILE") return otherwise;
    throw error;
  }
}

/** USER_HZ, the unit of times from the kernel: 100 on every supported architecture. */
const TICKS = 100;

/** Returns the boot time in seconds since 1970. */
function bootTime(): number | undefined {
  const line = /^btime (\d+)$/m.exec(readFileSync("/proc/stat", "latin1"))?.[1];
  return line === undefined ? undefined : Number(line);
}
