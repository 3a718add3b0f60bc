import { isDevice, nameOf } from "../../src/files/index.ts";
import { kindOf } from "../../src/sessions/index.ts";
import type { Item } from "./item.ts";
import { isoTime } from "./times.ts";

/** The record of a file in `ls --json` and `stat --json`: see docs/json.md. */
export function fileRecord(item: Item): Record<string, unknown> {
  const { target, path, stat, link, total, users, groups } = item;
  const name = nameOf(path);
  if (stat === undefined) return { target, path, name, kind: kindOf(item.type << 12), link };
  const hasNumbers = isDevice(item.type);
  return {
    target,
    path,
    name,
    kind: kindOf(stat.mode),
    mode: (stat.mode & 0o7777).toString(8).padStart(4, "0"),
    size: stat.size,
    allocated: stat.blocks * 512n,
    total,
    links: stat.links,
    uid: stat.uid,
    gid: stat.gid,
    user: users?.get(stat.uid) ?? null,
    group: groups?.get(stat.gid) ?? null,
    inode: stat.inode,
    device: pair(stat.device),
    represents: hasNumbers ? pair(stat.rdev) : undefined,
    modified: isoTime(stat.mtime),
    accessed: isoTime(stat.atime),
    changed: isoTime(stat.ctime),
    born: stat.btime === undefined ? undefined : isoTime(stat.btime),
    link,
    relayed: stat.relayed || undefined,
  };
}

function pair({ major, minor }: { major: number; minor: number }): string {
  return `${major}:${minor}`;
}
