import { DT_DIR, DT_REG } from "../../../../src/descriptors/index.ts";
import { type Backing, backingOf, isDevice, type Mount } from "../../../../src/files/index.ts";
import type { FileStat } from "../../../../src/protocol/index.ts";
import type { Colours } from "../../../ls/colours.ts";
import type { Item } from "../../../ls/item.ts";
import { modeText } from "../../../ls/mode.ts";
import { byText, sizeOf, timeOf } from "../../../ls/order.ts";
import { humanSize } from "../../../ls/sizes.ts";
import type { Theme } from "../../canvas/theme.ts";
import { relativeTime } from "../../connection/durations.ts";
import type { ListItem } from "../../lists/list.ts";
import type { Column } from "../../lists/table.ts";
import type { Arrangement, Sort } from "../common/arrangement.ts";
import { mergeSort } from "./merge-sort.ts";

/** An entry of a directory in the list of files. */
export interface FileItem extends ListItem {
  entry: Item;
  /** True if the name begins with a dot. */
  isHidden: boolean;
  /** Storage of the entry, if the mount table shows it. */
  backing: Backing | undefined;
}

/**
 * Sorts entries, which are in the order of their names, by the user's arrangement. The default is by
 * name, directories first. Sorts numbers of entries, because arrays of 200,000 entries would be
 * garbage of many MB.
 */
export function arrange(items: readonly FileItem[], { sort, reverse, hidden }: Arrangement): FileItem[] {
  const { ranksOf, amountOf } = orders[sort];
  let order = shownOf(items, hidden);
  if (amountOf) sortByAmount(order, items, amountOf);
  if (ranksOf) order = byRank(order, ranksOf(items));
  if (reverse) order.reverse();
  const sorted: FileItem[] = new Array(order.length);
  order.forEach((index, at) => {
    sorted[at] = items[index] as FileItem;
  });
  return sorted;
}

function shownOf(items: readonly FileItem[], hidden: boolean): Uint32Array {
  const order = new Uint32Array(items.length);
  let count = 0;
  items.forEach(({ isHidden }, index) => {
    if (hidden || !isHidden) order[count++] = index;
  });
  return order.subarray(0, count);
}

/** Sorts the largest first. Equal items stay in their order. */
function sortByAmount(order: Uint32Array, items: readonly FileItem[], amountOf: (item: FileItem) => bigint): void {
  const amounts = new Float64Array(items.length);
  const rests = new Float64Array(items.length);
  items.forEach((item, index) => {
    const exact = amountOf(item);
    const amount = Number(exact);
    amounts[index] = amount;
    // Numbers, because comparing bigints takes ten times as long.
    if (!Number.isSafeInteger(amount)) rests[index] = Number(exact - BigInt(amount));
  });
  const by = (numbers: Float64Array, a: number, b: number) => (numbers[b] ?? 0) - (numbers[a] ?? 0);
  mergeSort(order, (a, b) => by(amounts, a, b) || by(rests, a, b));
}

/** Sorts the lowest rank first, in linear time. Equal items stay in their order. */
function byRank(order: Uint32Array, ranks: Uint32Array): Uint32Array {
  const starts = new Uint32Array(ranks.reduce((most, rank) => Math.max(most, rank), 0) + 2);
  for (const index of order) {
    const after = (ranks[index] ?? 0) + 1;
    starts[after] = (starts[after] ?? 0) + 1;
  }
  for (let rank = 1; rank < starts.length; rank++) starts[rank] = (starts[rank] ?? 0) + (starts[rank - 1] ?? 0);
  const sorted = new Uint32Array(order.length);
  for (const index of order) {
    const rank = ranks[index] ?? 0;
    const at = starts[rank] ?? 0;
    starts[rank] = at + 1;
    sorted[at] = index;
  }
  return sorted;
}

/** Returns the arrangement after a click on a column's title. A second click reverses the order. */
export function arrangedBy(arrangement: Arrangement, sort: Sort): Arrangement {
  return { ...arrangement, sort, reverse: arrangement.sort === sort && !arrangement.reverse };
}

/**
 * Returns the mark of a sorted column's title. It shows whether the first row has the smallest or
 * the largest value.
 */
export function sortMark({ sort, reverse }: Arrangement, column: Sort): string {
  if (sort !== column) return "";
  return (sort === "size" || sort === "time") !== reverse ? "▼" : "▲";
}

/** A sort order by numbers: the lowest rank first, then the largest amount, then the name. */
interface Order {
  /** The rank of each item. */
  ranksOf?(items: readonly FileItem[]): Uint32Array;
  amountOf?(item: FileItem): bigint;
}

const orders: Readonly<Record<Sort, Order>> = {
  name: { ranksOf: (items) => directoriesAt(0, items) },
  kind: byGroup((item) => (isDirectory(item) ? "" : `.${ending(item.entry.name)}`)),
  storage: byGroup(storageLabel),
  mode: byGroup(({ entry }) => modeOf(entry)),
  owner: byGroup(({ entry }) => ownerOf(entry)),
  // Directories are last: their own size says nothing about their contents, and is not shown.
  size: {
    ranksOf: (items) => directoriesAt(1, items),
    amountOf: (item) => (isDirectory(item) ? 0n : sizeOf(item.entry)),
  },
  time: { amountOf: ({ entry }) => timeOf(entry) },
};

function directoriesAt(rank: 0 | 1, items: readonly FileItem[]): Uint32Array {
  const ranks = new Uint32Array(items.length);
  items.forEach((item, index) => {
    ranks[index] = isDirectory(item) ? rank : 1 - rank;
  });
  return ranks;
}

function byGroup(groupOf: (item: FileItem) => string): Order {
  return {
    ranksOf: (items) => {
      const numbers = new Map<string, number>();
      const ranks = new Uint32Array(items.length);
      items.forEach((item, index) => {
        const group = groupOf(item);
        const number = numbers.get(group) ?? numbers.size;
        numbers.set(group, number);
        ranks[index] = number;
      });
      const rankOf = new Uint32Array(numbers.size);
      byText([...numbers.keys()], (group) => group).forEach((group, rank) => {
        rankOf[numbers.get(group) ?? 0] = rank;
      });
      return ranks.map((number) => rankOf[number] ?? 0);
    },
  };
}

function isDirectory({ entry }: FileItem): boolean {
  return entry.type === DT_DIR;
}

export interface FileColumnsOptions {
  theme: Theme;
  /** Colours of names; undefined without colours. */
  colours: Colours | undefined;
  isMarked(item: FileItem): boolean;
  /** Milliseconds since 1970. */
  now(): number;
  arrangement(): Arrangement;
}

export function fileColumns(options: FileColumnsOptions): Column<FileItem>[] {
  const { theme, colours, isMarked, now } = options;
  const head = (title: string, sort: Sort) => ({ title, id: sort, mark: () => sortMark(options.arrangement(), sort) });
  const fromStat = (read: (of: FileStat, entry: Item) => string) => (item: FileItem) =>
    item.entry.stat === undefined ? "?" : read(item.entry.stat, item.entry);
  return [
    { ...head("SIZE", "size"), cell: fromStat(sizeText), align: "right", dispensable: 1 },
    { ...head("MODIFIED", "time"), cell: fromStat((of) => ageText(of.mtime, now())), align: "right", dispensable: 2 },
    {
      // The title of names begins after the mark.
      ...head(" NAME", "name"),
      rest: true,
      cell: (item) => {
        const { entry } = item;
        const style = isMarked(item) ? theme.marked : colours?.styleOf(entry);
        return [
          // With 16 colours, a style would colour a blank of the selected row.
          isMarked(item) ? { text: "*", style: theme.marked } : { text: " " },
          { text: entry.name, style },
          { text: entry.link === undefined ? mark(entry) : ` -> ${entry.link}`, style: theme.dim },
        ];
      },
    },
    {
      ...head("STORAGE", "storage"),
      cell: (item) => ({ text: storageLabel(item), style: theme.dim }),
      isOptional: true,
      dispensable: 3,
    },
    { ...head("MODE", "mode"), cell: ({ entry }) => ({ text: modeOf(entry), style: theme.dim }), dispensable: 4 },
    { ...head("OWNER", "owner"), cell: ({ entry }) => ownerOf(entry), maxWidth: 12, dispensable: 5 },
    {
      title: "GROUP",
      cell: fromStat((of, { groups }) => groups?.get(of.gid) ?? String(of.gid)),
      maxWidth: 12,
      dispensable: 6,
    },
  ];
}

/** True for a file of a root that the engine made of layers. */
export function isLayer({ kind }: Backing): boolean {
  return kind === "container layer" || kind === "image layer";
}

/**
 * Returns the storage of a file in one word; empty if the mount table does not show the storage.
 */
export function storageLabel({ backing }: Pick<FileItem, "backing">): string {
  if (backing === undefined) return "";
  return isLayer(backing) ? "layer" : backing.kind;
}

function modeOf({ stat, type }: Item): string {
  return modeText(stat?.mode ?? type << 12);
}

function ownerOf({ stat, users }: Item): string {
  return stat === undefined ? "?" : (users?.get(stat.uid) ?? String(stat.uid));
}

function ageText(nanoseconds: bigint, now: number): string {
  return relativeTime(Number(nanoseconds / 1_000_000n), now);
}

/** Returns a sentence about the storage of a file. */
export function backingSentence({ kind, volume, mount, readOnly }: Backing): string {
  const sentences: Record<Backing["kind"], string> = {
    "container layer": "in the container's layers",
    "image layer": "in a layer of the image",
    volume: `on volume ${volume}`,
    bind: `bind mount of ${mount.root} at ${mount.point}${mount.isReplaced ? " (the host's file was replaced or removed)" : ""}`,
    disk: `on ${mount.type} at ${mount.point}`,
    memory: `in memory (${mount.type} at ${mount.point})`,
    network: `on ${mount.type} at ${mount.point}`,
    kernel: `generated by the kernel (${mount.type})`,
  };
  return sentences[kind] + (readOnly ? ", read-only" : "");
}

/**
 * Finds the storage of all files of a directory in one pass: a container may have as many mounts as
 * the directory has entries.
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
  if (isDevice(type)) return `${rdev.major}, ${rdev.minor}`;
  return type === DT_DIR ? "" : humanSize(size);
}

/** Marks kinds of files as ls -F does. */
function mark({ type, stat }: Item): string {
  if (type === DT_REG) return stat !== undefined && (stat.mode & 0o111) !== 0 ? "*" : "";
  return { 1: "|", 4: "/", 12: "=" }[type] ?? "";
}

function ending(name: string): string {
  return /.\.([^.]+)$/.exec(name)?.[1] ?? "";
}
