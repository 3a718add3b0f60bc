import fc from "fast-check";
import { expect, it } from "vitest";
import { DirectoryFiles } from "../../../cli/tui/browser/files/directory-files.ts";
import type { FileItem } from "../../../cli/tui/browser/files/files-items.ts";
import { naturalKey } from "../../../cli/tui/lists/natural-order.ts";
import { connectionOf } from "./connection-of.ts";

const nothing = { users: new Map<number, string>(), groups: new Map<number, string>(), backingOf: () => undefined };
const options = { connection: connectionOf({}), path: "/d", ...nothing };

interface Entry {
  name: string;
  type?: number;
  link?: string | undefined;
}

function add(files: DirectoryFiles, { name, type = 8, link }: Entry): void {
  files.add({ name, type, stat: undefined, link, errno: undefined });
}

function read(files: DirectoryFiles, entries: readonly Entry[]): FileItem[] {
  files.begin(options);
  for (const entry of entries) add(files, entry);
  return files.end();
}

const named = (...names: string[]) => names.map((name) => ({ name }));
const described = (items: readonly FileItem[]) =>
  items.map(({ entry: { name, type, link } }) => ({ name, type, link }));
const byName = (a: Entry, b: Entry) => (naturalKey(a.name) < naturalKey(b.name) ? -1 : 1);

it("lists what the last read listed, by name, after any reads before", () => {
  const entry = fc.record({
    name: fc.constantFrom(...Array.from({ length: 30 }, (_, index) => `f${index}`)),
    type: fc.constantFrom(4, 8, 10),
    link: fc.constantFrom(undefined, "a", "b"),
  });
  const directory = fc.uniqueArray(entry, { selector: ({ name }) => name, maxLength: 30 });
  const reads = fc.array(fc.record({ directory, isEnded: fc.boolean() }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(reads, directory, (before, last) => {
      const files = new DirectoryFiles();
      for (const { directory, isEnded } of before) {
        files.begin(options);
        for (const one of directory) add(files, one);
        if (isEnded) expect(described(files.end())).toEqual([...directory].sort(byName));
      }
      const items = read(files, last);
      expect(described(items)).toEqual([...last].sort(byName));
      expect(read(files, [...last].reverse())).toBe(items);
      expect(files.namesFrom("f1").sort()).toEqual(
        last.flatMap(({ name }) => (name.startsWith("f1") ? name : [])).sort(),
      );
    }),
  );
});

it("keeps the item of a file through reads, and the name of a removed one", () => {
  const files = new DirectoryFiles();
  const [a, b] = read(files, named("a", "b", "c", "d"));
  expect(read(files, named("d", "b", "e"))[0]).toBe(b);
  // The table is made again without the removed files.
  read(files, named("x1", "x2", "x3", "x4", "x5", "x6"));
  read(files, named("y1", "y2", "y3", "y4", "y5", "y6"));
  expect([a?.entry.name, b?.entry.path]).toEqual(["a", "/d/b"]);
});

it("shows the files that a read has listed so far, and hides nothing before its end", () => {
  const files = new DirectoryFiles();
  files.begin(options);
  add(files, { name: "b" });
  add(files, { name: "a" });
  expect(described(files.listed()).map(({ name }) => name)).toEqual(["a", "b"]);
});
