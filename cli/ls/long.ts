import { isDevice } from "../../src/files/index.ts";
import type { Items } from "./entries.ts";
import type { Item } from "./item.ts";
import { modeText } from "./mode.ts";
import { humanSize } from "./sizes.ts";
import { listTime } from "./times.ts";

export interface LongOptions {
  human: boolean;
  /** Nanoseconds since 1970. */
  now: bigint;
  /** Returns what precedes the line: the inode number with -i. */
  before: (item: Item) => string;
  /** Returns the name, and the target of a link, ready to print. */
  name: (item: Item) => string;
  /** Sanitises other text of the target: names of users and groups. */
  show: (text: string) => string;
}

/** Formats lines as `ls -l` does, in columns as wide as these items need. */
export function* longLines(items: Items, options: LongOptions): Generator<string> {
  const widths = widthsOf(items, options);
  for (const item of items) {
    const { links, user, group, size, device } = numbersOf(item, options);
    const amount =
      device === undefined
        ? size.padStart(widths.size)
        : `${device.major.padStart(widths.size - 2 - widths.minor)}, ${device.minor.padStart(widths.minor)}`;
    const owners = `${pad(user, widths.user)} ${pad(group, widths.group)}`;
    const { stat, type } = item;
    const mode = stat === undefined ? `${"?pc?d?b?-?l?s???"[type] ?? "?"}?????????` : modeText(stat.mode);
    const time = stat === undefined ? "?".padStart(12) : listTime(stat.mtime, options.now);
    yield `${options.before(item)}${mode} ${links.padStart(widths.links)} ${owners} ${amount} ${time} ${options.name(item)}\n`;
  }
}

/** Returns the line above the list of a directory: blocks of 1024 bytes, or a size with a unit. */
export function totalLine(items: Items, human: boolean): string {
  let blocks = 0n;
  for (const { stat } of items) blocks += stat?.blocks ?? 0n;
  return `total ${human ? humanSize(blocks * 512n) : (blocks + 1n) / 2n}\n`;
}

/**
 * Returns the maximum width of each column. It is a separate pass, because the lines of a million
 * items would not fit in memory.
 */
function widthsOf(items: Items, options: LongOptions) {
  const widths = { links: 0, user: 0, group: 0, major: 0, minor: 0, size: 0 };
  for (const item of items) {
    const { links, user, group, device, size } = numbersOf(item, options);
    widths.links = Math.max(widths.links, links.length);
    widths.user = Math.max(widths.user, user.text.length);
    widths.group = Math.max(widths.group, group.text.length);
    widths.size = Math.max(widths.size, size.length);
    if (device === undefined) continue;
    widths.major = Math.max(widths.major, device.major.length);
    widths.minor = Math.max(widths.minor, device.minor.length);
  }
  const device = widths.minor === 0 ? 0 : widths.major + 2 + widths.minor;
  return { ...widths, size: Math.max(widths.size, device) };
}

/** The cells of one line. */
interface Numbers {
  links: string;
  user: Owner;
  group: Owner;
  size: string;
  device: { major: string; minor: string } | undefined;
}

interface Owner {
  text: string;
  isName: boolean;
}

function numbersOf({ stat, type, total, users, groups }: Item, { human, show }: LongOptions): Numbers {
  if (stat === undefined) return { links: "?", user: unknown, group: unknown, size: "?", device: undefined };
  const hasNumbers = isDevice(type);
  const owner = (id: number, known: string | undefined): Owner =>
    known === undefined ? { text: String(id), isName: false } : { text: show(known), isName: true };
  const size = total ?? stat.size;
  return {
    links: String(stat.links),
    user: owner(stat.uid, users?.get(stat.uid)),
    group: owner(stat.gid, groups?.get(stat.gid)),
    size: hasNumbers ? "" : human ? humanSize(size) : String(size),
    device: hasNumbers ? { major: String(stat.rdev.major), minor: String(stat.rdev.minor) } : undefined,
  };
}

const unknown: Owner = { text: "?", isName: true };

/** Aligns names to the left and numbers to the right. */
function pad({ text, isName }: Owner, width: number): string {
  return isName ? text.padEnd(width) : text.padStart(width);
}
