import { expect, it } from "vitest";
import { byText } from "../../../cli/ls/order.ts";
import type { Arrangement, Sort } from "../../../cli/tui/browser/common/arrangement.ts";
import {
  arrange as arrangeByName,
  arrangedBy,
  backingSentence,
  backingsOf,
  type FileItem,
  fileColumns,
  sortMark,
  storageLabel,
} from "../../../cli/tui/browser/files/files-items.ts";
import { DEFAULT_THEME } from "../../../cli/tui/canvas/theme.ts";
import { relativeTime } from "../../../cli/tui/connection/durations.ts";
import { naturalKey } from "../../../cli/tui/lists/natural-order.ts";
import { Table } from "../../../cli/tui/lists/table.ts";
import { backingOf, parseMounts } from "../../../src/files/index.ts";
import type { FileStat } from "../../../src/protocol/index.ts";

const stat = (size: number, mtime: number): FileStat => ({
  ...{ mode: 0o100644, links: 1, uid: 0, gid: 0, size: BigInt(size), blocks: 0n, inode: 1n, mountId: 1n },
  ...{ device: { major: 0, minor: 0 }, rdev: { major: 0, minor: 0 }, relayed: false },
  ...{ atime: 0n, mtime: BigInt(mtime), ctime: 0n, btime: undefined },
});

function item(name: string, size = 0, mtime = 0, type = 8): FileItem {
  const nothing = { link: undefined, linkMode: undefined, total: undefined, users: undefined, groups: undefined };
  const entry = { name, path: `/${name}`, target: `/${name}`, type, stat: stat(size, mtime), ...nothing };
  return { key: name, text: name, entry, isHidden: name.startsWith("."), backing: undefined };
}

const all = [
  item("b.log", 5, 1),
  item("a.txt", 9, 3),
  item(".hidden", 1, 9),
  item("dir", 0, 2, 4),
  item("a.log", 7, 2),
];

/** Arranges items, sorted by name as those of a directory are. */
function arrange(items: readonly FileItem[], arrangement: Arrangement): FileItem[] {
  return arrangeByName(
    byText(items, ({ entry }) => naturalKey(entry.name)),
    arrangement,
  );
}

const names = (items: FileItem[]) => items.map(({ entry }) => entry.name);

it("sorts by name with directories first, by size, time and kind, and in reverse", () => {
  const by = (sort: Sort, reverse = false) => names(arrange(all, { sort, reverse, hidden: false }));
  expect(by("name")).toEqual(["dir", "a.log", "a.txt", "b.log"]);
  expect(by("name", true)).toEqual(["b.log", "a.txt", "a.log", "dir"]);
  expect(by("size")).toEqual(["a.txt", "a.log", "b.log", "dir"]);
  expect(by("time")).toEqual(["a.txt", "a.log", "dir", "b.log"]);
  expect(by("kind")).toEqual(["dir", "a.log", "b.log", "a.txt"]);
});

it("sorts numbers in names by their value, at the position of their digits", () => {
  const sorted = [
    "f",
    "f1",
    "f01",
    "f2",
    "f10",
    "f1000000000",
    "f10000000000000000000",
    "f9x",
    "f9y1",
    "f:",
    "a-3.log",
  ];
  const shuffled = [...sorted].sort((a, b) => (a.length - b.length) * -1).map((name) => item(name));
  expect(names(arrange(shuffled, { sort: "name", reverse: false, hidden: true }))).toEqual([
    ...["a-3.log", "f", "f01", "f1", "f2", "f9x", "f9y1", "f10", "f1000000000", "f10000000000000000000", "f:"],
  ]);
  expect(names(arrange([item("f10", 1), item("f2", 1)], { sort: "size", reverse: false, hidden: true }))).toEqual([
    ...["f2", "f10"],
  ]);
});

it("sorts by owner, mode and storage, and equal items by name", () => {
  const owned = (name: string, uid: number, mode: number) => {
    const one = item(name);
    return { ...one, entry: { ...one.entry, stat: { ...stat(0, 0), uid, mode } } };
  };
  const some = [owned("b", 1, 0o100600), owned("a", 1, 0o100644), owned("c", 0, 0o100600)];
  const by = (sort: Sort) => names(arrange(some, { sort, reverse: false, hidden: false }));
  expect(by("owner")).toEqual(["c", "a", "b"]);
  expect(by("mode")).toEqual(["b", "c", "a"]);
  expect(by("storage")).toEqual(["a", "b", "c"]);
});

it("sorts by the column whose title is clicked, and in reverse after a second click", () => {
  const first = arrangedBy({ sort: "name", reverse: false, hidden: true }, "size");
  expect(first).toEqual({ sort: "size", reverse: false, hidden: true });
  expect([sortMark(first, "size"), sortMark(first, "name")]).toEqual(["▼", ""]);
  const second = arrangedBy(first, "size");
  expect([second.reverse, sortMark(second, "size")]).toEqual([true, "▲"]);
  expect(arrangedBy(second, "name")).toEqual({ sort: "name", reverse: false, hidden: true });
});

const byName = { sort: "name", reverse: false, hidden: true } as const;
const options = {
  ...{ theme: DEFAULT_THEME, colours: undefined, isMarked: () => false, now: () => 7_200_000 },
  arrangement: () => byName,
};

it("shows size, time, name, storage, mode and owner in 80 columns, and the first three in any width", () => {
  const file = item("app.log", 1536, 3_600_000_000_000);
  const [root] = parseMounts(Buffer.from("1 0 0:1 / / rw - tmpfs none rw\n"));
  const rows = (width: number, backing: FileItem["backing"] = root && backingOf(root)) => {
    const table = new Table(fileColumns(options));
    const { title, rows } = table.rows([{ ...file, backing }], width, { title: "" });
    return [title, ...rows].map((row) =>
      row
        .replace(/\x1b\[[0-9;]*m/g, "")
        .trim()
        .split(/ {2,}/),
    );
  };
  expect(rows(79)).toEqual([
    ["SIZE", "MODIFIED", "NAME▲", "STORAGE", "MODE", "OWNER", "GROUP"],
    ["1.5K", "1 h ago", "app.log", "memory", "-rw-r--r--", "0", "0"],
  ]);
  expect(rows(40)[0]).toEqual(["SIZE", "MODIFIED", "NAME▲"]);
  const unknown = new Table(fileColumns(options));
  expect(unknown.rows([file], 79, { title: "" }).title).not.toContain("STORAGE");
});

// With 16 colours a selected row is inverse: it would show a style of the blank as a block.
it.each([
  [false, undefined],
  [true, DEFAULT_THEME.marked],
])("styles the column of the mark only for a marked file (%s)", (isMarked, style) => {
  const columns = fileColumns({ ...options, isMarked: () => isMarked });
  const name = columns.find(({ title }) => title === " NAME");
  expect([name?.cell(item("app.log"))].flat()[0]).toEqual({ text: isMarked ? "*" : " ", ...(style && { style }) });
});

it.each([
  [0, "0 s ago"],
  [59_999, "59 s ago"],
  [60_000, "1 min ago"],
  [3_600_000, "1 h ago"],
  [86_400_000, "1 d ago"],
  [400 * 86_400_000, "1 y ago"],
  [-120_000, "in 2 min"],
])("formats a time %i ms before now as %s", (before, text) => {
  expect(relativeTime(1_000_000_000_000 - before, 1_000_000_000_000)).toBe(text);
});

it("hides names that begin with a dot", () => {
  const arrangement = { sort: "name", reverse: false, hidden: true } as const;
  expect(names(arrange(all, arrangement))).toContain(".hidden");
  expect(names(arrange(all, { ...arrangement, hidden: false }))).not.toContain(".hidden");
});

it("finds the storage of each file without a search of all mounts", () => {
  const mounts = parseMounts(
    Array.from({ length: 100 }, (_, id) => `${id} 0 0:${id} / /m${id} rw - tmpfs t${id} rw`).join("\n"),
  );
  let looks = 0;
  const counted = mounts.map((mount) => ({
    ...mount,
    get id() {
      looks++;
      return mount.id;
    },
  }));
  const of = backingsOf(counted);
  const on = (mountId: bigint) => of({ ...stat(0, 0), mountId })?.mount.point;
  for (let id = 0; id < 100; id++) expect([on(BigInt(id)), on(BigInt(id))]).toEqual([`/m${id}`, `/m${id}`]);
  expect([on(100n), of(undefined)]).toEqual([undefined, undefined]);
  expect(looks).toBe(100);
});

it("describes the storage of an image's file as a layer of the image, not of a container", () => {
  const [root] = parseMounts("1 0 0:1 / / ro - overlay overlay ro");
  const backing = root && backingOf({ ...root, isOfImage: true });
  expect(backing && [backingSentence(backing), storageLabel({ backing })]).toEqual([
    "in a layer of the image, read-only",
    "layer",
  ]);
});
