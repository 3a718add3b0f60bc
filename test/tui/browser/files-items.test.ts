import { expect, it } from "vitest";
import { arrange, backingsOf, type FileItem, hiddenCount } from "../../../cli/tui/browser/files-items.ts";
import { parseMounts } from "../../../src/files/index.ts";
import type { FileStat } from "../../../src/protocol/index.ts";

const stat = (size: number, mtime: number): FileStat => ({
  ...{ mode: 0o100644, links: 1, uid: 0, gid: 0, size: BigInt(size), blocks: 0n, inode: 1n, mountId: 1n },
  ...{ device: { major: 0, minor: 0 }, rdev: { major: 0, minor: 0 }, relayed: false },
  ...{ atime: 0n, mtime: BigInt(mtime), ctime: 0n, btime: undefined },
});

function item(name: string, size = 0, mtime = 0, type = 8): FileItem {
  const nothing = { link: undefined, linkMode: undefined, total: undefined, users: undefined, groups: undefined };
  const entry = { name, path: `/${name}`, target: `/${name}`, type, stat: stat(size, mtime), ...nothing };
  return { key: name, text: name, entry, backing: undefined };
}

const all = [
  item("b.log", 5, 1),
  item("a.txt", 9, 3),
  item(".hidden", 1, 9),
  item("dir", 0, 2, 4),
  item("a.log", 7, 2),
];
const names = (items: FileItem[]) => items.map(({ entry }) => entry.name);

it("sorts by name with directories first, by size, time and kind, and in reverse", () => {
  const by = (sort: "name" | "size" | "time" | "kind", reverse = false) =>
    names(arrange(all, { sort, reverse, hidden: false }));
  expect(by("name")).toEqual(["dir", "a.log", "a.txt", "b.log"]);
  expect(by("name", true)).toEqual(["b.log", "a.txt", "a.log", "dir"]);
  expect(by("size")).toEqual(["a.txt", "a.log", "b.log", "dir"]);
  expect(by("time")).toEqual(["a.txt", "a.log", "dir", "b.log"]);
  expect(by("kind")).toEqual(["dir", "a.log", "b.log", "a.txt"]);
});

it("hides names that begin with a dot, and reports their number", () => {
  const arrangement = { sort: "name", reverse: false, hidden: true } as const;
  expect(names(arrange(all, arrangement))).toContain(".hidden");
  expect([hiddenCount(all, arrangement), hiddenCount(all, { ...arrangement, hidden: false })]).toEqual([0, 1]);
});

it("finds where each file is stored without a search of all mounts", () => {
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
