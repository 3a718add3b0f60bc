import { nameOf } from "../../src/files/index.ts";
import { kindOf } from "../../src/sessions/index.ts";
import type { Item } from "./item.ts";
import { isoTime } from "./times.ts";

/** What `ls --json` and `stat --json` say of a file: see docs/json.md. */
export function fileRecord(item: Item): Record<string, unknown> {
  const { target, path, facts, link, total, users, groups } = item;
  const name = nameOf(path);
  if (facts === undefined) return { target, path, name, kind: kindOf(item.type << 12), link };
  const isDevice = item.type === 2 || item.type === 6;
  return {
    target,
    path,
    name,
    kind: kindOf(facts.mode),
    mode: (facts.mode & 0o7777).toString(8).padStart(4, "0"),
    size: facts.size,
    allocated: facts.blocks * 512n,
    total,
    links: facts.links,
    uid: facts.uid,
    gid: facts.gid,
    user: users?.get(facts.uid) ?? null,
    group: groups?.get(facts.gid) ?? null,
    inode: facts.inode,
    device: pair(facts.device),
    represents: isDevice ? pair(facts.rdev) : undefined,
    modified: isoTime(facts.mtime),
    accessed: isoTime(facts.atime),
    changed: isoTime(facts.ctime),
    born: facts.btime === undefined ? undefined : isoTime(facts.btime),
    link,
    relayed: facts.relayed || undefined,
  };
}

function pair({ major, minor }: { major: number; minor: number }): string {
  return `${major}:${minor}`;
}
