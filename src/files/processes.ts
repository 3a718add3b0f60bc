import { readFileSync } from "node:fs";
import { errnoName, errnoText } from "../descriptors/errno.ts";
import { PortholeError } from "../errors.ts";
import type { FileFacts } from "../protocol/facts.ts";
import type { MappingRecord, ProcessFileRecord, ProcessRecord } from "../protocol/records.ts";
import type { Session } from "../sessions/session.ts";
import { pathText } from "../target.ts";
import { addMapping, DELETED, describeMapping, isKernelMemory, type MappedFile } from "./mapped-files.ts";
import { mountsOf } from "./usage.ts";

/** A process of a target. */
export interface TargetProcess {
  /** The number inside the target, where its parent has one there too, else 0. */
  pid: number;
  parent: number;
  /** Effective user id. */
  uid: number;
  /** Undefined where this machine does not tell when it booted. */
  started: Date | undefined;
  /** Its name, at most 15 bytes (proc_pid_comm(5)). */
  command: string;
  /** Of its command line as much as is in the first 4096 bytes; none for a kernel thread. */
  arguments: string[];
  /** Empty unless asked for. */
  files: ProcessFile[];
  /** Deleted files that it has mapped into its memory without a descriptor. Empty unless `files` were asked for. */
  mapped: MappedFile[];
  /** Why its open files could not be listed. */
  filesError: PortholeError | undefined;
}

/** An open file of a process. */
export interface ProcessFile {
  fd: number;
  /** `path` for a descriptor that is good for neither (O_PATH). */
  access: "read" | "write" | "read and write" | "path";
  /** Access mode and open flags as in open(2). */
  flags: number;
  append: boolean;
  /** Of the process's own offset. Nothing for what has no positions, such as a pipe. */
  position: bigint;
  facts: FileFacts;
  /** Path as the process sees it, or what the kernel writes instead: `pipe:[4711]`, `socket:[42]`, `anon_inode:[eventpoll]`. */
  path: string;
  /**
   * True when nothing has this name any more; the mark that the kernel puts behind it is not in `path` then. False for
   * memory of the kernel's own, such as of memfd_create(2), which keeps the mark: it never had a name.
   */
  deleted: boolean;
  /** Bytes of storage that only open descriptors like this one keep from being freed. */
  held: bigint;
}

const O_ACCMODE = 3;
const O_APPEND = 0o2000;
const O_PATH = 0o10000000;

/**
 * The target's processes in the order of their numbers on this machine, with their open files where `files` is set; it ends with the process that has
 * open file number `most` + 1, which is left out: a process may have a million.
 * @throws PortholeError FILE, SESSION
 */
export async function* listProcesses(
  session: Session,
  options: { files?: boolean; most?: number } = {},
): AsyncGenerator<TargetProcess> {
  const booted = bootTime();
  let current: TargetProcess | undefined;
  let root = "";
  let left = options.most ?? Number.POSITIVE_INFINITY;
  const look = new DeletedFiles(session);
  for await (const record of session.processes({ files: options.files === true })) {
    if (record.kind !== "process" && left-- <= 0) break;
    if (record.kind === "file") current?.files.push(await describeFile(look, record, root));
    else if (record.kind === "mapping") {
      const mapping = await mappingOf(look, record, root);
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
        : new PortholeError("FILE", `cannot list its open files: ${errnoText(error)}`, { errno: errnoName(error) }),
  };
}

async function describeFile(look: DeletedFiles, record: ProcessFileRecord, root: string): Promise<ProcessFile> {
  const { fd, flags, position, facts } = record;
  const link = linkBelow(root, record);
  const deleted =
    link.endsWith(DELETED) &&
    !(await look.isKernelMemory(link, facts.device)) &&
    (facts.links === 0 || !(await look.isThere(link, facts)));
  return {
    fd,
    access: accessOf(flags),
    flags,
    append: (flags & O_APPEND) !== 0,
    position,
    facts,
    path: deleted ? link.slice(0, -DELETED.length) : link,
    deleted,
    // A file with another name, or one of an image's layer, would not be freed.
    held: deleted && facts.links === 0 ? facts.blocks * 512n : 0n,
  };
}

/** A mapped file; undefined where it is memory of the kernel's own, or has this very name and is not deleted. */
async function mappingOf(look: DeletedFiles, record: MappingRecord, root: string): Promise<MappedFile | undefined> {
  const link = linkBelow(root, record);
  const isOther =
    !link.endsWith(DELETED) || (await look.isKernelMemory(link, record.device)) || (await look.isThere(link, record));
  return isOther ? undefined : describeMapping(record, link);
}

/** The path of a record as its process sees it. */
function linkBelow(root: string, { link }: { link: Uint8Array }): string {
  const text = pathText(link);
  return root !== "" && text.startsWith(`${root}/`) ? text.slice(root.length) : text;
}

/**
 * Where a process has its root, as the links of its files are told: from the top of its mount namespace. Empty but for one that was put into
 * a directory there by chroot(2).
 */
async function rootOf(session: Session, pid: number): Promise<string> {
  return fileOr("", async () => (await session.readlink(`/proc/${pid}/root`)).replace(/\/$/, ""));
}

function accessOf(flags: number): ProcessFile["access"] {
  if ((flags & O_PATH) !== 0) return "path";
  return (["read", "write", "read and write"] as const)[flags & O_ACCMODE] ?? "read and write";
}

/** Asks the target what a path with the kernel's mark stands for. */
class DeletedFiles {
  readonly #session: Session;
  #mounted: Promise<ReadonlySet<string>> | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  /**
   * Whether the file has this very name: then the mark at its end is part of it. By its inode's number alone, for overlayfs
   * and btrfs tell two devices for one mapped file.
   */
  async isThere(path: string, { inode }: { inode: bigint }): Promise<boolean> {
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

/** What `ask` answers, `otherwise` where the target has no such file. */
async function fileOr<T>(otherwise: T, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof PortholeError && error.code === "FILE") return otherwise;
    throw error;
  }
}

/** USER_HZ, in which the kernel tells times to programs: 100 on every architecture that porthole runs on. */
const TICKS = 100;

/** Seconds since 1970. */
function bootTime(): number | undefined {
  const line = /^btime (\d+)$/m.exec(readFileSync("/proc/stat", "latin1"))?.[1];
  return line === undefined ? undefined : Number(line);
}
