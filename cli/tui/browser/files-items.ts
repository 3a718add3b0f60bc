import { type Backing, backingOf, type Mount } from "../../../src/files/index.ts";
import type { FileStat } from "../../../src/protocol/index.ts";
import type { Colours } from "../../ls/colours.ts";
import type { Item } from "../../ls/item.ts";
import { modeText } from "../../ls/mode.ts";
import { byMost, byText, sizeOf, timeOf } from "../../ls/order.ts";
import { humanSize } from "../../ls/sizes.ts";
import { listTime } from "../../ls/times.ts";
import type { Theme } from "../canvas/theme.ts";
import type { ListItem } from "../lists/list.ts";
import type { Column } from "../lists/table.ts";

/** An entry of a directory in the list of files. */
export interface FileItem extends ListItem {
  entry: Item;
  /** What keeps it, where the mount table tells. */
  backing: Backing | undefined;
}

export const SORTS = ["name", "size", "time", "kind"] as const;
export type Sort = (typeof SORTS)[number];

export interface Arrangement {
  sort: Sort;
  reverse: boolean;
  hidden: boolean;
}

const DIRECTORY = 4;

/** Entries in the order that the user wants: by name directories first. */
export function arrange(items: readonly FileItem[], { sort, reverse, hidden }: Arrangement): FileItem[] {
  const shown = hidden ? items : items.filter(({ entry }) => !entry.name.startsWith("."));
  const sorted = sortedBy[sort](shown);
  return reverse ? sorted.reverse() : sorted;
}

const sortedBy: Readonly<Record<Sort, (items: readonly FileItem[]) => FileItem[]>> = {
  name: (items) => [...byText(items.filter(isDirectory), nameOf), ...byText(items.filter(isNoDirectory), nameOf)],
  kind: (items) => {
    const kinds = new Map<string, FileItem[]>();
    for (const item of items.filter(isNoDirectory)) {
      const kind = ending(nameOf(item));
      const known = kinds.get(kind);
      if (known) known.push(item);
      else kinds.set(kind, [item]);
    }
    const others = byText([...kinds], ([kind]) => kind).flatMap(([, alike]) => byText(alike, nameOf));
    return [...byText(items.filter(isDirectory), nameOf), ...others];
  },
  // Directories last: their own size says nothing of what is in them, and is not shown.
  size: (items) => [
    ...byMost(items.filter(isNoDirectory), ({ entry }) => sizeOf(entry), nameOf),
    ...byText(items.filter(isDirectory), nameOf),
  ],
  time: (items) => byMost(items, ({ entry }) => timeOf(entry), nameOf),
};

function nameOf({ entry }: FileItem): string {
  return entry.name;
}

function isDirectory({ entry }: FileItem): boolean {
  return entry.type === DIRECTORY;
}

function isNoDirectory(item: FileItem): boolean {
  return !isDirectory(item);
}

/** How many of them `arrange` leaves out. */
export function hiddenCount(items: readonly FileItem[], { hidden }: Arrangement): number {
  return hidden ? 0 : items.filter(({ entry }) => entry.name.startsWith(".")).length;
}

export interface FileColumnsOptions {
  theme: Theme;
  /** Undefined without colours. */
  colours: Colours | undefined;
  isMarked(item: FileItem): boolean;
  now(): bigint;
}

export function fileColumns({ theme, colours, isMarked, now }: FileColumnsOptions): Column<FileItem>[] {
  const fromStat = (read: (of: FileStat, entry: Item) => string) => (item: FileItem) =>
    item.entry.stat === undefined ? "?" : read(item.entry.stat, item.entry);
  return [
    {
      title: "MODE",
      cell: ({ entry }) => ({ text: modeText(entry.stat?.mode ?? entry.type << 12), style: theme.dim }),
      dispensable: 3,
    },
    {
      title: "OWNER",
      cell: fromStat((of, { users }) => users?.get(of.uid) ?? String(of.uid)),
      most: 12,
      dispensable: 4,
    },
    {
      title: "GROUP",
      cell: fromStat((of, { groups }) => groups?.get(of.gid) ?? String(of.gid)),
      most: 12,
      dispensable: 6,
    },
    { title: "SIZE", cell: fromStat(sizeText), align: "right", dispensable: 1 },
    { title: "CHANGED", cell: fromStat((of) => listTime(of.mtime, now())), dispensable: 2 },
    {
      title: "ON",
      cell: ({ backing }) => ({ text: backing ? backingWord(backing) : "", style: theme.dim }),
      most: 16,
      dispensable: 5,
    },
    {
      title: "NAME",
      rest: true,
      cell: (item) => {
        const { entry } = item;
        const style = isMarked(item) ? theme.marked : colours?.styleOf(entry);
        return [
          { text: isMarked(item) ? "*" : " ", style: theme.marked },
          { text: entry.name, style },
          { text: entry.link === undefined ? mark(entry) : ` -> ${entry.link}`, style: theme.dim },
        ];
      },
    },
  ];
}

/** What keeps a file, in a word: `layer`, a volume's name, `bind`, or the file system. */
function backingWord({ kind, volume, mount }: Backing): string {
  if (kind === "container layer") return "layer";
  if (kind === "volume") return volume ?? "volume";
  return kind === "bind" ? "bind" : mount.type;
}

/** The same in a sentence. */
export function backingSentence({ kind, volume, mount, readOnly }: Backing): string {
  const words: Record<Backing["kind"], string> = {
    "container layer": "in the container's layer, gone with the container",
    volume: `on volume ${volume}`,
    bind: `bind mount of ${mount.root} at ${mount.point}${mount.isReplaced ? " (the host's file is another one now, or gone)" : ""}`,
    disk: `on ${mount.type} at ${mount.point}`,
    memory: `in memory (${mount.type} at ${mount.point})`,
    network: `on ${mount.type} at ${mount.point}`,
    kernel: `made by the kernel (${mount.type})`,
  };
  return words[kind] + (readOnly ? ", read-only" : "");
}

/**
 * What keeps a file, for a whole directory of them: a container may have as many mounts as the
 * directory has entries.
 */
export function backingsOf(mounts: readonly Mount[]): (stat: FileStat | undefined) => Backing | undefined {
  const mountsById = new Map(mounts.map((mount) => [mount.id, mount]));
  const backings = new Map<bigint, Backing | undefined>();
  return (stat) => {
    if (stat === undefined) return undefined;
    const { mountId } = stat;
    if (backings.has(mountId)) return backings.get(mountId);
    const mount = mountsById.get(Number(mountId));
    const backing = mount && backingOf(mount);
    backings.set(mountId, backing);
    return backing;
  };
}

function sizeText({ rdev, size }: FileStat, { type }: Item): string {
  if (type === 2 || type === 6) return `${rdev.major}, ${rdev.minor}`;
  return type === DIRECTORY ? "" : humanSize(size);
}

/** As ls -F. */
function mark({ type, stat }: Item): string {
  if (type === 8) return stat !== undefined && (stat.mode & 0o111) !== 0 ? "*" : "";
  return { 1: "|", 4: "/", 12: "=" }[type] ?? "";
}

function ending(name: string): string {
  return /.\.([^.]+)$/.exec(name)?.[1] ?? "";
}
