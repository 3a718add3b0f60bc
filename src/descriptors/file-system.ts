import { readFileSync, readlinkSync } from "node:fs";
import { isInMemory } from "./file.ts";
import type { OwnedFd } from "./owned-fd.ts";
import { type FileIdentity, identify, statx } from "./statx.ts";

/**
 * Who answers when a file is read. `kernel`: the kernel by itself. `server`: perhaps a program or another machine, which may fall silent (FUSE,
 * network file systems, anything not known to be local). `unknown`: no mount table that this process may read shows the mount.
 */
export type Answering = "kernel" | "server" | "unknown";

/**
 * Who answers for a regular file or directory, found without asking whoever it is: fstat(2), fstatfs(2), read(2) and close(2) of a file on FUSE wait for its server
 * beyond SIGKILL. statx(2) tells the mount without waiting, and the kernel's mount tables (proc_pid_mountinfo(5)) tell the mount's type: this
 * process's own, and those of processes given to {@link consultMountsOf}. Every user may read them, and no program can forge a line.
 */
export function whoAnswers(fd: OwnedFd, found: FileIdentity = identify(fd)): Answering {
  const cached = found.uniqueMount === undefined ? undefined : answers.get(found.uniqueMount);
  const answer = cached ?? lookUp(fd, found.uniqueMount);
  if (answer === "proc") return readsMemory(fd) ? "server" : "kernel";
  if (answer === "unknown" && isInMemory(fd)) return "kernel";
  return answer;
}

/**
 * Takes the mount tables of process `pid` of this machine into account: the first process of a container. Its parent is outside, and sees what the engine mounted.
 * A number that another process has by now does no harm: a table speaks the truth whoever's it is.
 */
export function consultMountsOf(pid: number): void {
  if (pid <= 0 || consulted.has(pid)) return;
  consulted.add(pid);
  answers.clear(); // of what was unknown
}

/** Whether {@link whoAnswers} can tell for the root directory of process `pid`. Not so where /proc hides it (hidepid), or under chroot(2). */
export function knowsRootOf(pid: number): boolean {
  const line = mountTable(pid)
    .split("\n")
    .findLast((mount) => mount.split(" ", 5)[4] === "/");
  const mount = line === undefined ? undefined : parse(line);
  return mount !== undefined && classify(mount) === "kernel";
}

/** The types of agent/mounts.c, without overlay: test/hostile/mounts.test.ts holds the two lists together. */
export const localTypes: ReadonlySet<string> = new Set(
  (
    "ext2 ext3 ext4 xfs btrfs f2fs zfs bcachefs tmpfs ramfs rootfs devtmpfs devpts proc sysfs cgroup cgroup2 mqueue hugetlbfs " +
    "debugfs tracefs securityfs squashfs erofs iso9660 vfat exfat ntfs3 nsfs bpf configfs binfmt_misc pstore efivarfs"
  ).split(" "),
);

/** `proc` needs another look for every file. */
type MountAnswer = Answering | "proc";

/** By the mount's unique number. */
const answers = new Map<number, MountAnswer>();
const MOST_ANSWERS = 4096;
const consulted = new Set<number>();

interface TableEntry {
  device: string;
  /** What of the file system is mounted. */
  root: string;
  type: string;
}

function lookUp(fd: OwnedFd, unique: number | undefined): MountAnswer {
  const { mountId } = statx(fd);
  if (mountId === undefined) return "unknown";
  const mount = findMount(mountId);
  const answer = mount === undefined ? "unknown" : classify(mount);
  if (unique !== undefined) {
    if (answers.size >= MOST_ANSWERS) answers.clear();
    answers.set(unique, answer);
  }
  return answer;
}

/** Mount numbers are the whole machine's: a mount is in at most one namespace. The descriptor keeps its number from being used again. */
function findMount(mountId: bigint): TableEntry | undefined {
  const line = new RegExp(`^${mountId} .*$`, "m");
  for (const pid of ["self", ...consulted]) {
    const found = line.exec(mountTable(pid))?.[0];
    if (found !== undefined) return parse(found);
  }
  return undefined;
}

/** "id parent major:minor root point options [optional...] - type source options": blanks in paths stand there escaped. */
function parse(line: string): TableEntry | undefined {
  const [, , device, root] = line.split(" ", 4);
  const type = / - (\S+) /.exec(line)?.[1];
  return device === undefined || root === undefined || type === undefined ? undefined : { device, root, type };
}

function classify({ device, root, type }: TableEntry): MountAnswer {
  if (type === "overlay") return isMountedOutside(device) ? "kernel" : "server";
  if (type === "proc") return /\/mem$/.test(root) ? "server" : "proc";
  return localTypes.has(type) ? "kernel" : "server";
}

/**
 * An overlay is as local as its layers, which nothing tells: the options in a mount table are whatever the one who mounted it wrote there. But what
 * the engine or this machine's administrator mounted is in their own tables too, into which no container can mount.
 */
function isMountedOutside(device: string): boolean {
  const tables = ["self", ...[...consulted].map(parentOf)];
  const line = new RegExp(`^\\d+ \\d+ ${device} .* - overlay `, "m");
  return tables.some((pid) => pid !== undefined && line.test(mountTable(pid)));
}

/**
 * /proc/N/mem reads the memory of process N, a page of which may be mapped from a file whose server is silent. The name in the link is the
 * kernel's own, for proc has no other names.
 */
function readsMemory(fd: OwnedFd): boolean {
  return /\/mem( \(deleted\))?$/.test(readlinkSync(`/proc/self/fd/${fd.number}`));
}

function parentOf(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`);
  const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  return parent > 0 ? parent : undefined;
}

function mountTable(pid: number | string): string {
  return read(`/proc/${pid}/mountinfo`);
}

/** Empty where there is no such process, or it is hidden. */
function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
