import { isTerminal } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { type Backing, backingOf, type Mount, mountOf, mountsOf, readNames, typeOf } from "../../src/files/index.ts";
import { kindOf, type Session } from "../../src/sessions/index.ts";
import { pathBytes } from "../../src/target.ts";
import { exitStatus, report } from "../io/fail.ts";
import { jsonLine } from "../io/json.ts";
import { write } from "../io/output.ts";
import { fileRecord } from "../ls/file-record.ts";
import type { Item } from "../ls/item.ts";
import { modeText } from "../ls/mode.ts";
import { fullTime } from "../ls/times.ts";
import type { ConnectionOptions } from "../targets/options.ts";
import { type NamedTarget, SessionPool } from "../targets/session-pool.ts";

export interface StatOptions extends ConnectionOptions {
  dereference?: boolean;
  json?: boolean;
}

/** `porthole stat`: shows what is known of each target, goes on after one that fails, and returns the worst status. */
export async function stat(texts: string[], options: StatOptions): Promise<number> {
  const sessions = new SessionPool(options);
  const text = isTerminal(1) && !options.json ? await import("../../src/text/index.ts") : undefined;
  const show = (words: string) => text?.sanitiseText(words) ?? words;
  const places = new Map<Session, Place>();
  let status = 0;
  const failed = (error: unknown) => {
    report(error);
    status = Math.max(status, exitStatus(error));
  };
  try {
    for (const one of texts) {
      for (const named of await sessions.expand([one], failed)) {
        try {
          const session = await sessions.session(named.target);
          const place = places.get(session) ?? (await placeOf(session));
          places.set(session, place);
          const known = await look(session, place, named, options);
          write(pathBytes(options.json ? jsonLine(asJson(known)) : block(known, show)));
        } catch (error) {
          failed(error);
        }
      }
    }
  } finally {
    sessions.close();
  }
  return status;
}

/** What is asked of a session once. */
interface Place {
  users: Map<number, string>;
  groups: Map<number, string>;
  mounts: Mount[];
}

interface Known {
  item: Item;
  /** Undefined where the mount table does not show the mount. */
  backing: Backing | undefined;
  /** It has no name any more: a file that only a process keeps, by /proc/PID/fd. */
  isDeleted: boolean;
}

async function placeOf(session: Session): Promise<Place> {
  const users = await readNames(session, "/etc/passwd");
  const groups = await readNames(session, "/etc/group");
  const mounts = await mountsOf(session).catch((error) => {
    if (error instanceof PortholeError && error.code === "FILE") return [];
    throw error;
  });
  return { users, groups, mounts };
}

async function look(
  session: Session,
  place: Place,
  { text, target }: NamedTarget,
  options: StatOptions,
): Promise<Known> {
  const { path } = target;
  // What a process has open is looked at itself, not the link that stands for it.
  const isProcessFile = /^\/proc\/\d+\/fd\/\d+$/.test(path);
  const follows = options.dereference === true || path.endsWith("/");
  const stat = await session.stat(path, { noFollow: !follows && !isProcessFile });
  const link = isProcessFile || typeOf(stat) === LINK ? await textOfLink(session, path) : undefined;
  const { users, groups, mounts } = place;
  const mount = mountOf(mounts, stat);
  const item = {
    name: text,
    target: text,
    path,
    type: typeOf(stat),
    stat,
    link,
    linkMode: undefined,
    total: undefined,
    users,
    groups,
  };
  return { item, backing: mount && backingOf(mount), isDeleted: stat.links === 0 };
}

/** Undefined where it leads nowhere from here, as /proc/self of another PID namespace. */
async function textOfLink(session: Session, path: string): Promise<string | undefined> {
  try {
    return await session.readlink(path);
  } catch (error) {
    if (error instanceof PortholeError && (error.errno === "ENOENT" || error.errno === "EINVAL")) return undefined;
    throw error;
  }
}

const LINK = 10;

const kinds: Record<string, string> = {
  link: "symbolic link",
  "character device": "character special file",
  "block device": "block special file",
};

/** The block of stat(1), less the block size for reading and writing, which says nothing here, and what keeps the file. */
function block({ item, backing, isDeleted }: Known, show: (words: string) => string): string {
  const { stat, link } = item;
  if (stat === undefined) return "";
  const kind = kindOf(stat.mode);
  const kindText = kind === "file" ? `regular ${stat.size === 0n ? "empty " : ""}file` : (kinds[kind] ?? kind);
  const isDevice = item.type === 2 || item.type === 6;
  const links = isDevice
    ? `${String(stat.links).padEnd(5)} Device type: ${stat.rdev.major},${stat.rdev.minor}`
    : stat.links;
  const mode = `${(stat.mode & 0o7777).toString(8).padStart(4, "0")}/${modeText(stat.mode)}`;
  const owner = (id: number, name: string | undefined) =>
    `${String(id).padStart(5)}/${show(name ?? "UNKNOWN").padStart(8)}`;
  const lines = [
    `  File: ${show(item.name)}${link === undefined ? "" : ` -> ${show(link)}`}`,
    `  Size: ${String(stat.size).padEnd(10)}\tBlocks: ${String(stat.blocks).padEnd(10)} ${kindText}`,
    `Device: ${stat.device.major},${stat.device.minor}\tInode: ${String(stat.inode).padEnd(10)}  Links: ${links}`,
    `Access: (${mode})  Uid: (${owner(stat.uid, item.users?.get(stat.uid))})   Gid: (${owner(stat.gid, item.groups?.get(stat.gid))})`,
    `Access: ${fullTime(stat.atime)}`,
    `Modify: ${fullTime(stat.mtime)}`,
    `Change: ${fullTime(stat.ctime)}`,
    ` Birth: ${stat.btime === undefined ? "-" : fullTime(stat.btime)}`,
    `Kept by: ${backing === undefined ? "unknown: no mount of the target shows it" : keeper(backing, show)}`,
    ...(isDeleted && backing?.mount.isReplaced !== true
      ? ["Deleted: it has no name any more and goes when the last process closes it"]
      : []),
    ...(stat.relayed
      ? ["Relayed: its file system may never answer, so the agent reads it and passes on the bytes"]
      : []),
  ];
  return `${lines.join("\n")}\n`;
}

function keeper({ kind, mount, volume, readOnly }: Backing, show: (words: string) => string): string {
  const what = volume === undefined ? kind : `${kind} ${show(volume)}`;
  const replaced = mount.isReplaced
    ? ": the host's file is another one now, or gone; restart the container to see it"
    : "";
  const from = mount.root === "/" ? show(mount.source) : `${show(mount.root)} of ${show(mount.source)}`;
  return `${what} (${show(mount.type)}, ${readOnly ? "read-only" : "writable"}), mounted at ${show(mount.point)} from ${from}${replaced}`;
}

/** See docs/json.md. */
function asJson({ item, backing, isDeleted }: Known): Record<string, unknown> {
  return {
    ...fileRecord(item),
    deleted: isDeleted,
    backing: backing && {
      kind: backing.kind,
      volume: backing.volume ?? null,
      readOnly: backing.readOnly,
      fileSystem: backing.mount.type,
      source: backing.mount.source,
      root: backing.mount.root,
      replaced: backing.mount.isReplaced,
      mountPoint: backing.mount.point,
    },
  };
}
