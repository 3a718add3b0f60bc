import { describe, expect, test } from "vitest";
import type { TarEntry } from "../../src/engines/layers/tar-reader.ts";
import { CopiedFiles, statOfEntry } from "../../src/sessions/copies/copied-files.ts";

function entry(path: string, rest: Partial<TarEntry> = {}): TarEntry {
  const mode = path.endsWith("/") ? 0o040755 : 0o100644;
  const numbers = { mode, uid: 0, gid: 0, size: 1, mtime: 5n };
  return { path, ...numbers, link: "", sameAs: "", device: { major: 0, minor: 0 }, ...rest };
}

function filled(most: number, directory: string, paths: readonly string[]): CopiedFiles {
  const files = new CopiedFiles(most);
  const tree = files.tree(directory);
  for (const path of paths) tree.add(entry(path));
  tree.end();
  return files;
}

describe("the cache of a container's archives", () => {
  test("knows every directory below the requested directory", () => {
    const files = filled(100, "/var", ["var/", "var/log/", "var/log/a", "var/log/b", "var/empty/", "var/f"]);
    expect([...(files.children("/var") ?? [])].map(([name]) => name)).toEqual(["log", "empty", "f"]);
    expect([...(files.children("/var/log")?.keys() ?? [])]).toEqual(["a", "b"]);
    expect(files.children("/var/empty")?.size).toBe(0);
    expect(files.file("/var/log/b")?.path).toBe("var/log/b");
    expect(files.children("/var/f")).toBeUndefined();
    expect(files.file("/etc")).toBeUndefined();
  });

  test("knows the names in the root, whose own name is empty", () => {
    const files = filled(100, "/", ["/", "/etc/", "/etc/f"]);
    expect([...(files.children("/")?.keys() ?? [])]).toEqual(["etc"]);
    expect(files.file("/etc/f")).toBeDefined();
  });

  test("keeps only the directory's own entries if there are too many files below it", () => {
    const many = Array.from({ length: 50 }, (_, index) => `d/a/${index}`);
    const files = filled(20, "/d", ["d/", "d/a/", ...many, "d/z"]);
    expect([...(files.children("/d")?.keys() ?? [])]).toEqual(["a", "z"]);
    expect(files.children("/d/a")).toBeUndefined();
  });

  test("fails if the directory itself has too many entries", () => {
    const tree = new CopiedFiles(3).tree("/d");
    for (const name of ["a", "b", "c"]) tree.add(entry(`d/${name}`));
    expect(() => tree.add(entry("d/d"))).toThrow("more than 3 files");
  });

  test("ignores names that lead out of the directory", () => {
    expect(filled(9, "/d", ["d/", "d/..", "d/.", "d/a"]).children("/d")?.size).toBe(1);
  });

  test("gives a hard link the properties of the file with its other name", () => {
    const files = new CopiedFiles();
    const tree = files.tree("/d");
    tree.add(entry("d/a", { size: 77 }));
    tree.add(entry("d/b", { size: 0, sameAs: "d/a" }));
    expect(tree.end().get("b")?.size).toBe(77);
  });

  test("identifies a file by its path and version", () => {
    const inode = (path: string, rest: Partial<TarEntry> = {}) => statOfEntry(path, entry("f", rest)).inode;
    expect(inode("/f")).toBe(inode("/f"));
    expect(new Set([inode("/f"), inode("/g"), inode("/f", { size: 2 }), inode("/f", { mtime: 6n })]).size).toBe(4);
  });
});
