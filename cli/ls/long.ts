import type { Item } from "./item.ts";
import { modeText } from "./mode.ts";
import { humanSize } from "./sizes.ts";
import { listTime } from "./times.ts";

export interface LongOptions {
  human: boolean;
  /** Nanoseconds since 1970. */
  now: bigint;
  /** The name, and where a link leads, as they are to be written. */
  name: (item: Item) => string;
  /** Any other text that came from the target: names of users and groups. */
  show: (text: string) => string;
}

/** Lines as `ls -l` writes them, columns as wide as these items need. */
export function longLines(items: readonly Item[], options: LongOptions): string[] {
  const rows = items.map((item) => rowOf(item, options));
  const width = (pick: (row: Row) => string) => rows.reduce((most, row) => Math.max(most, pick(row).length), 0);
  const links = width((row) => row.links);
  const user = width((row) => row.user.text);
  const group = width((row) => row.group.text);
  const major = width((row) => row.device?.major ?? "");
  const minor = width((row) => row.device?.minor ?? "");
  const size = Math.max(
    width((row) => row.size),
    rows.some((row) => row.device) ? major + 2 + minor : 0,
  );
  return rows.map((row) => {
    const amount =
      row.device === undefined
        ? row.size.padStart(size)
        : `${row.device.major.padStart(size - 2 - minor)}, ${row.device.minor.padStart(minor)}`;
    const owners = `${pad(row.user, user)} ${pad(row.group, group)}`;
    return `${row.mode} ${row.links.padStart(links)} ${owners} ${amount} ${row.time} ${row.name}\n`;
  });
}

/** The line over a directory's list: blocks of 1024 bytes, or with a unit. */
export function totalLine(items: readonly Item[], human: boolean): string {
  const blocks = items.reduce((sum, { facts }) => sum + (facts?.blocks ?? 0n), 0n);
  return `total ${human ? humanSize(blocks * 512n) : (blocks + 1n) / 2n}\n`;
}

interface Row {
  mode: string;
  links: string;
  user: Owner;
  group: Owner;
  size: string;
  device: { major: string; minor: string } | undefined;
  time: string;
  name: string;
}

interface Owner {
  text: string;
  isName: boolean;
}

function rowOf(item: Item, { human, now, name, show }: LongOptions): Row {
  const { facts, users, groups } = item;
  if (facts === undefined) {
    const unknown = { text: "?", isName: true };
    const mode = `${"?pc?d?b?-?l?s???"[item.type] ?? "?"}?????????`;
    const time = "?".padStart(12);
    return { mode, links: "?", user: unknown, group: unknown, size: "?", device: undefined, time, name: name(item) };
  }
  const isDevice = item.type === 2 || item.type === 6;
  const size = item.total ?? facts.size;
  const owner = (id: number, known: string | undefined): Owner =>
    known === undefined ? { text: String(id), isName: false } : { text: show(known), isName: true };
  return {
    mode: modeText(facts.mode),
    links: String(facts.links),
    user: owner(facts.uid, users?.get(facts.uid)),
    group: owner(facts.gid, groups?.get(facts.gid)),
    size: isDevice ? "" : human ? humanSize(size) : String(size),
    device: isDevice ? { major: String(facts.rdev.major), minor: String(facts.rdev.minor) } : undefined,
    time: listTime(facts.mtime, now),
    name: name(item),
  };
}

/** Names to the left, numbers to the right. */
function pad({ text, isName }: Owner, width: number): string {
  return isName ? text.padEnd(width) : text.padStart(width);
}
