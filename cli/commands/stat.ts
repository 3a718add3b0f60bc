import { DT_LNK, isTerminal } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import {
  type Backing,
  backingOf,
  isDevice,
  type Mount,
  mountOf,
  mountsOf,
  readNames,
  typeOf,
} from "../../src/files/index.ts";
import { type FileLayer, kindOf, type Session } from "../../src/sessions/index.ts";
import { pathBytes } from "../../src/target.ts";
import { exitStatus, report } from "../io/fail.ts";
import { jsonLine } from "../io/json.ts";
import { write } from "../io/output.ts";
import { fileRecord } from "../ls/file-record.ts";
import type { Item } from "../ls/item.ts";
import { layerText } from "../ls/layer-text.ts";
import { modeText } from "../ls/mode.ts";
import { fullTime } from "../ls/times.ts";
import type { ConnectionOptions } from "../targets/options.ts";
import { type NamedTarget, SessionPool } from "../targets/session-pool.ts";

export interface StatOptions extends ConnectionOptions {
  dereference?: boolean;
  json?: boolean;
}

/**
 * `porthole stat`: shows the metadata of each target. Continues after a failure and returns the
 * highest status.
 */
export async function stat(texts: string[], options: StatOptions): Promise<number> {
  using sessions = new SessionPool(options);
  const text = isTerminal(1) && !options.json ? await import("../../src/text/index.ts") : undefined;
  const show = (raw: string) => text?.sanitiseText(raw) ?? raw;
  const tablesBySession = new Map<Session, SessionTables>();
  let status = 0;
  const failed = (error: unknown) => {
    report(error);
    status = Math.max(status, exitStatus(error));
  };
  for (const one of texts) {
    for (const named of await sessions.expand([one], failed)) {
      try {
        const session = await sessions.session(named.target);
        const tables = tablesBySession.get(session) ?? (await tablesOf(session));
        tablesBySession.set(session, tables);
        const known = await look(session, tables, named, options);
        write(pathBytes(options.json ? jsonLine(asJson(known)) : block(known, show)));
      } catch (error) {
        failed(error);
      }
    }
  }
  return status;
}

/** Tables of a target, requested once per session. */
interface SessionTables {
  users: Map<number, string>;
  groups: Map<number, string>;
  mounts: Mount[];
}

interface Known {
  item: Item;
  /** The file's storage; undefined if the mount table does not contain the mount. */
  backing: Backing | undefined;
  /** The reason why the engine copies the file; undefined for a file that is read in place. */
  whyCopied: string | undefined;
  /** Layer of the target's root file system; undefined if unknown. */
  layer: FileLayer | undefined;
  /** True for a file without a name, which only a process holds open (/proc/PID/fd). */
  isDeleted: boolean;
}

async function tablesOf(session: Session): Promise<SessionTables> {
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
  tables: SessionTables,
  { text, target }: NamedTarget,
  options: StatOptions,
): Promise<Known> {
  const { path } = target;
  // For /proc/PID/fd/N, shows the open file, not the magic link.
  const isProcessFile = /^\/proc\/\d+\/fd\/\d+$/.test(path);
  const follows = options.dereference === true || path.endsWith("/");
  const stat = await session.stat(path, { noFollow: !follows && !isProcessFile });
  const link = isProcessFile || typeOf(stat) === DT_LNK ? await textOfLink(session, path) : undefined;
  const { users, groups, mounts } = tables;
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
  const isDeleted = stat.links === 0;
  const layer = isDeleted ? undefined : await session.layer(path, { noFollow: !follows });
  return { item, backing: mount && backingOf(mount), whyCopied: session.whyCopied, layer, isDeleted };
}

/**
 * Returns the text of a link. Undefined if it cannot be read, such as /proc/self from another PID
 * namespace.
 */
async function textOfLink(session: Session, path: string): Promise<string | undefined> {
  try {
    return await session.readlink(path);
  } catch (error) {
    if (error instanceof PortholeError && (error.errno === "ENOENT" || error.errno === "EINVAL")) return undefined;
    throw error;
  }
}

const kinds: Record<string, string> = {
  link: "symbolic link",
  "character device": "character special file",
  "block device": "block special file",
};

/** Formats the block of stat(1) without the I/O block size, and adds the storage of the file. */
function block(known: Known, show: (text: string) => string): string {
  const { item, backing, layer, isDeleted } = known;
  const { stat, link } = item;
  if (stat === undefined) return "";
  const kind = kindOf(stat.mode);
  const kindText = kind === "file" ? `regular ${stat.size === 0n ? "empty " : ""}file` : (kinds[kind] ?? kind);
  const links = isDevice(item.type)
    ? `${String(stat.links).padEnd(5)} Device type: ${stat.rdev.major},${stat.rdev.minor}`
    : stat.links;
  const mode = `${(stat.mode & 0o7777).toString(8).padStart(4, "0")}/${modeText(stat.mode)}`;
  const owner = (id: number, name: string | undefined) =>
    `${String(id).padStart(5)}/${show(name ?? "UNKNOWN").padStart(8)}`;
  const layerLine = layer && layerText(layer, show);
  const lines = [
    `  File: ${show(item.name)}${link === undefined ? "" : ` -> ${show(link)}`}`,
    `  Size: ${String(stat.size).padEnd(10)}\tBlocks: ${String(stat.blocks).padEnd(10)} ${kindText}`,
    `Device: ${stat.device.major},${stat.device.minor}\tInode: ${String(stat.inode).padEnd(10)}  Links: ${links}`,
    `Access: (${mode})  Uid: (${owner(stat.uid, item.users?.get(stat.uid))})   Gid: (${owner(stat.gid, item.groups?.get(stat.gid))})`,
    `Access: ${fullTime(stat.atime)}`,
    `Modify: ${fullTime(stat.mtime)}`,
    `Change: ${fullTime(stat.ctime)}`,
    ` Birth: ${stat.btime === undefined ? "-" : fullTime(stat.btime)}`,
    `Storage: ${storage(known, show)}`,
    ...(layerLine === undefined ? [] : [`Layer: ${layerLine}`]),
    ...(isDeleted && backing?.mount.isReplaced !== true ? ["Deleted: freed when the last process closes it"] : []),
    ...(stat.relayed ? ["Relayed: by the agent, because its file system may not answer"] : []),
  ];
  return `${lines.join("\n")}\n`;
}

function storage({ backing, whyCopied }: Known, show: (text: string) => string): string {
  if (whyCopied !== undefined)
    return `unknown: a copy by the engine, because no agent reads it in place: ${show(whyCopied)}`;
  return backing === undefined ? "unknown: not in the target's mount table" : keeper(backing, show);
}

function keeper({ kind, mount, volume, readOnly }: Backing, show: (text: string) => string): string {
  const what = volume === undefined ? kind : `${kind} ${show(volume)}`;
  const replaced = mount.isReplaced
    ? ": the file on the host was replaced or removed; restart the container to see the new one"
    : "";
  const from = mount.root === "/" ? show(mount.source) : `${show(mount.root)} of ${show(mount.source)}`;
  return `${what} (${show(mount.type)}, ${readOnly ? "read-only" : "writable"}), mounted at ${show(mount.point)} from ${from}${replaced}`;
}

/** The record of a file in `--json`: see docs/json.md. */
function asJson({ item, backing, whyCopied, layer, isDeleted }: Known): Record<string, unknown> {
  return {
    ...fileRecord(item),
    deleted: isDeleted,
    ...(whyCopied !== undefined && { copied: true }),
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
    ...(layer !== undefined && ["container", "mounts", "image"].includes(layer.kind) && { layer: layerRecord(layer) }),
  };
}

function layerRecord({ kind, number, count, digest, instruction }: FileLayer): Record<string, unknown> {
  if (kind !== "image") return { kind };
  return { kind, number, count, digest: digest ?? null, instruction: instruction ?? null };
}
