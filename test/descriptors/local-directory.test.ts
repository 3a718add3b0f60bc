import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { LocalDirectory, NewFile } from "../../src/descriptors/index.ts";

const base = fs.mkdtempSync(`${tmpdir()}/porthole-directory-`);
afterAll(() => fs.rmSync(base, { recursive: true }));

let path: string;
let count = 0;
beforeEach(() => {
  path = `${base}/${count++}`;
  fs.mkdirSync(path);
});

const times = { atime: 1_600_000_000_123_456_789n, mtime: -1n };
const open = () => LocalDirectory.open(Buffer.from(path));

function write(directory: LocalDirectory, name: string, text: string, options = {}): void {
  using file = NewFile.create(directory, Buffer.from(name));
  fs.writeSync(file.fd, text);
  file.complete(0o4751, times, options);
}

describe("a new file", () => {
  test("has no name until it is complete, and is removed otherwise", () => {
    using directory = open();
    const file = NewFile.create(directory, Buffer.from("f"));
    fs.writeSync(file.fd, "half");
    expect(fs.readdirSync(path).filter((name) => name !== "f.part")).toEqual([]);
    file.close();
    expect(fs.readdirSync(path)).toEqual([]);
  });

  test("gets its permission bits without setuid, and its times in nanoseconds", () => {
    using directory = open();
    write(directory, "f", "text");
    const { mode, atimeNs, mtimeNs } = fs.statSync(`${path}/f`, { bigint: true });
    expect([mode & 0o7777n, atimeNs, mtimeNs]).toEqual([0o751n, times.atime, times.mtime]);
    expect(fs.readFileSync(`${path}/f`, "utf8")).toBe("text");
  });

  test("replaces another file only on request, and creates no other file", () => {
    using directory = open();
    fs.writeFileSync(`${path}/f`, "old");
    expect(() => write(directory, "f", "new")).toThrow(`cannot create ${path}/f: File exists`);
    expect(fs.readFileSync(`${path}/f`, "utf8")).toBe("old");
    write(directory, "f", "new", { replace: true });
    expect(fs.readFileSync(`${path}/f`, "utf8")).toBe("new");
    expect(fs.readdirSync(path)).toEqual(["f"]);
  });

  test("replaces a file whose name is as long as the file system allows, and leaves other temporary names", () => {
    using directory = open();
    const [name, other] = ["n".repeat(255), `.porthole-${process.pid}-0.part`];
    for (const one of [name, other, "f.part"]) fs.writeFileSync(`${path}/${one}`, "old");
    write(directory, name, "new", { replace: true });
    fs.writeFileSync(`${path}/f`, "old");
    write(directory, "f", "new", { replace: true });
    const content = (one: string) => fs.readFileSync(`${path}/${one}`, "utf8");
    expect([name, "f", other, "f.part"].map(content)).toEqual(["new", "new", "old", "old"]);
    expect(fs.readdirSync(path)).toHaveLength(4);
  });

  test("replaces a link of the same name, not the target of the link", () => {
    using directory = open();
    fs.writeFileSync(`${path}/kept`, "kept");
    fs.symlinkSync("kept", `${path}/f`);
    write(directory, "f", "new", { replace: true });
    expect(fs.readFileSync(`${path}/kept`, "utf8")).toBe("kept");
    expect(fs.lstatSync(`${path}/f`).isFile()).toBe(true);
  });
});

describe("a directory that receives names from a container", () => {
  test.each(["../f", "a/b", "/f", ".", "..", "", "f\0"])("creates nothing under the name %j", (name) => {
    using directory = open();
    expect(() => directory.subdirectory(Buffer.from(name))).toThrow("not a valid file name");
    expect(() => write(directory, name, "x")).toThrow("not a valid file name");
    expect(() => directory.link(Buffer.from(name), Buffer.from("x"), times)).toThrow("not a valid file name");
    expect(fs.readdirSync(path)).toEqual([]);
  });

  test("does not enter a link that replaces a subdirectory", () => {
    using directory = open();
    fs.symlinkSync(base, `${path}/d`);
    expect(() => directory.subdirectory(Buffer.from("d"))).toThrow(`cannot create ${path}/d: Not a directory`);
  });

  test("continues in the opened directory when another directory takes its name", () => {
    using directory = open();
    fs.renameSync(path, `${path}-moved`);
    fs.symlinkSync("/", path);
    write(directory, "f", "text");
    expect(fs.readFileSync(`${path}-moved/f`, "utf8")).toBe("text");
  });
});
