import { readFileSync, readlinkSync } from "node:fs";
import { readOr } from "../../errors.ts";
import type { OwnedFd } from "../owned-fd.ts";
import { parentOf } from "../process.ts";
import { isInMemory } from "./file.ts";
import { type FileIdentity, identify, statx } from "./statx.ts";

/**
 * The server of a file's reads. `kernel`: the kernel alone. `server`: perhaps a program or another
 * machine that can hang (FUSE, network file systems, any file system not known to be local).
 * `unknown`: no readable mount table shows the mount.
 */
export type FileServer = "kernel" | "server" | "unknown";

/**
 * Determines the server of a regular file or directory without asking it: fstat(2), fstatfs(2),
 * read(2) and close(2) of a file on FUSE wait for it beyond SIGKILL. statx(2) returns the mount
 * without waiting. The kernel's mount tables (proc_pid_mountinfo(5)) have its type: those of this
 * process and of processes given to {@link addMountTable}. Every user may read them, and no program
 * can forge a line.
 */
export function servedBy(fd: OwnedFd, found: FileIdentity = identify(fd)): FileServer {
  const cached = found.uniqueMount === undefined ? undefined : answers.get(found.uniqueMount);
  const answer = cached ?? lookUp(fd, found.uniqueMount);
  if (answer === "proc") return readsMemory(fd) ? "server" : "kernel";
  if (answer === "unknown" && isInMemory(fd)) return "kernel";
  return answer;
}

/**
 * Also consults the mount tables of process `pid` of this machine, a container's first process, and
 * of its parent. The parent is outside of the container and sees the engine's mounts. A reused
 * process number does no harm: every mount table is true.
 */
export function addMountTable(pid: number): void {
  if (pid <= 0 || consulted.has(pid)) return;
  consulted.add(pid);
  answers.clear(); // some mounts were unknown
}

/**
 * Treats overlays in the mount table of process `pid` as mounted by the container runtime, if their
 * layers belong to containerd's own snapshotter. Used in an ephemeral container, where no mount
 * table outside the pod is readable. The caller knows that no container of the pod may mount.
 */
export function trustMountTable(pid: number): void {
  trusted.add(pid);
  answers.clear();
}

/**
 * True if {@link servedBy} can classify the root directory of process `pid`. It cannot if /proc
 * hides the process (hidepid), or under chroot(2).
 */
export function canClassifyRoot(pid: number): boolean {
  const mount = rootMount(pid);
  return mount !== undefined && classify(mount) === "kernel";
}

/**
 * True if the root directory of process `pid` is on an overlay that may have been mounted inside
 * the container.
 */
export function hasOverlayFromInside(pid: number): boolean {
  const mount = rootMount(pid);
  return mount?.type === "overlay" && classify(mount) === "server";
}

/**
 * Returns the devices (`0:54`) of overlays that are mounted both in the namespace of process `pid`
 * and outside of it: the engine's image mounts. Empty if no mount table lists them.
 */
export function overlaysFromOutside(pid: number): string[] {
  addMountTable(pid);
  const tables = new MountTables();
  const overlays = linesWith(tables.read(pid), " - overlay ")
    .flatMap((line) => parse(line) ?? [])
    .filter(({ type }) => type === "overlay");
  return [...new Set(overlays.map(({ device }) => device))].filter((device) => isMountedOutside(device, tables));
}

/**
 * The types of agent/mounts.c without overlay; test/hostile/mounts.test.ts compares the two lists.
 */
export const localTypes: ReadonlySet<string> = new Set(
  (
    "ext2 ext3 ext4 xfs btrfs f2fs zfs bcachefs tmpfs ramfs rootfs devtmpfs devpts proc sysfs cgroup cgroup2 mqueue hugetlbfs " +
    "debugfs tracefs securityfs squashfs erofs iso9660 vfat exfat ntfs3 nsfs bpf configfs binfmt_misc pstore efivarfs"
  ).split(" "),
);

/** `proc` is decided for each file. */
type MountAnswer = FileServer | "proc";

/** By the mount's unique id. */
const answers = new Map<number, MountAnswer>();
const MAX_ANSWERS = 4096;
const consulted = new Set<number>();
/** Processes given to {@link trustMountTable}. */
const trusted = new Set<number>();

interface TableEntry {
  device: string;
  /** The part of the file system that is mounted. */
  root: string;
  type: string;
}

function rootMount(pid: number): TableEntry | undefined {
  const line = mountTable(pid)
    .split("\n")
    .findLast((mount) => mount.split(" ", 5)[4] === "/");
  return line === undefined ? undefined : parse(line);
}

function lookUp(fd: OwnedFd, unique: number | undefined): MountAnswer {
  const { mountId } = statx(fd);
  if (mountId === undefined) return "unknown";
  const tables = new MountTables();
  const mount = findMount(mountId, tables);
  const answer = mount === undefined ? "unknown" : classify(mount, tables);
  if (unique !== undefined) {
    if (answers.size >= MAX_ANSWERS) answers.clear();
    answers.set(unique, answer);
  }
  return answer;
}

/**
 * Mount ids are unique on a machine, so a mount is in at most one namespace. The open descriptor
 * prevents reuse of its id.
 */
function findMount(mountId: bigint, tables: MountTables): TableEntry | undefined {
  // A container has fewer mounts than its machine.
  for (const pid of [...consulted, "self"]) {
    const [found] = linesWith(tables.read(pid), `\n${mountId} `);
    if (found !== undefined) return parse(found);
  }
  return undefined;
}

/**
 * Returns the lines with the text, which may begin with the newline before the line. Tables are
 * long, and a regular expression that is used once takes longer.
 */
function linesWith(table: string, text: string): string[] {
  const lines: string[] = [];
  const all = `\n${table}`;
  for (let at = all.indexOf(text); at !== -1; ) {
    const start = all.lastIndexOf("\n", at) + 1;
    const end = all.indexOf("\n", start);
    lines.push(all.slice(start, end === -1 ? undefined : end));
    at = end === -1 ? -1 : all.indexOf(text, end);
  }
  return lines;
}

/**
 * Parses "id parent major:minor root point options [optional...] - type source options". Blanks in
 * paths are escaped.
 */
function parse(line: string): TableEntry | undefined {
  const [, , device, root] = line.split(" ", 4);
  const start = line.indexOf(" - ") + " - ".length;
  const end = line.indexOf(" ", start);
  if (device === undefined || root === undefined || start < " - ".length || end <= start) return undefined;
  return { device, root, type: line.slice(start, end) };
}

function classify({ device, root, type }: TableEntry, tables?: MountTables): MountAnswer {
  if (type === "overlay") return isMountedOutside(device, tables) ? "kernel" : "server";
  if (type === "proc") return /\/mem$/.test(root) ? "server" : "proc";
  return localTypes.has(type) ? "kernel" : "server";
}

/**
 * An overlay is local only if its layers are. Its options in a mount table do not prove that,
 * because the mounter chooses them. Mounts made by the engine or the administrator are also in
 * their own tables, which no container can mount into.
 */
function isMountedOutside(device: string, tables = new MountTables()): boolean {
  const outside = ["self", ...[...consulted].map(parentOf)];
  const isListed = (pid: number | string | undefined) =>
    pid !== undefined &&
    linesWith(tables.read(pid), ` ${device} `).some((line) => {
      const found = parse(line);
      return found?.device === device && found.type === "overlay";
    });
  if (outside.some(isListed)) return true;
  const ofRuntime = new RegExp(`^\\d+ \\d+ ${device} .* - overlay \\S+ (?:\\S*,)?${CONTAINERD_LAYER}`, "m");
  return [...trusted].some((pid) => ofRuntime.test(mountTable(pid)));
}

/**
 * A layer of containerd's own snapshotter. Lazy snapshotters, whose layers may be on FUSE, have
 * other directories.
 */
const CONTAINERD_LAYER = "(?:lower|upper)dir=[^, :]*/io\\.containerd\\.snapshotter\\.v1\\.overlayfs/";

/**
 * /proc/N/mem reads the memory of process N; a page may be mapped from a file whose server hangs.
 * The kernel generates names in proc, so the link's name can be trusted.
 */
function readsMemory(fd: OwnedFd): boolean {
  return /\/mem( \(deleted\))?$/.test(readlinkSync(`/proc/self/fd/${fd.number}`));
}

/** As UTF-8, which Node reads in one call: bytes that are not valid are only in names. */
function mountTable(pid: number | string): string {
  return readOr("", () => readFileSync(`/proc/${pid}/mountinfo`, "utf8"));
}

/** The mount tables of one decision: each is read once. */
class MountTables {
  readonly #read = new Map<number | string, string>();

  read(pid: number | string): string {
    const table = this.#read.get(pid) ?? mountTable(pid);
    this.#read.set(pid, table);
    return table;
  }
}
