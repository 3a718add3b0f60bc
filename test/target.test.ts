import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { exactArguments, parseSessionTarget, parseTarget, pathBytes, pathText } from "../src/target.ts";
import { bundleScript } from "./descriptors/run-script.ts";

const container = (name: string, path: string) => ({ kind: "container", name, path });
const ofProcess = (pid: number, path: string) => ({ kind: "process", pid, path });
const local = (path: string) => ({ kind: "local", path });

const image = (name: string, path: string) => ({ kind: "image", name, path });
const volume = (name: string, path: string) => ({ kind: "volume", name, path });

describe("a target", () => {
  test.each([
    ["web:/var/log/app.log", container("web", "/var/log/app.log")],
    ["web:relative", container("web", "relative")],
    ["web:/a:b", container("web", "/a:b")],
    ["web::", container("web", ":")],
    ["my_app-1.x:/f", container("my_app-1.x", "/f")],
    ["web:/with\nnewline and space", container("web", "/with\nnewline and space")],
    ["shop/web:/var/log/a:b", container("shop/web", "/var/log/a:b")],
    ["shop/web-2:/f", container("shop/web-2", "/f")],
    ["pid:1:/etc/hosts", ofProcess(1, "/etc/hosts")],
    ["pid:2147483647:/x", ofProcess(2_147_483_647, "/x")],
    ["pid:0012:/x", ofProcess(12, "/x")],
    ["pid:7:a:b\nc", ofProcess(7, "a:b\nc")],
    ["pidx:/x", container("pidx", "/x")],
    ["image:nginx:/etc/nginx", image("nginx", "/etc/nginx")],
    ["image:nginx:1.25:/etc/a:b", image("nginx:1.25", "/etc/a:b")],
    ["image:localhost:5000/team/web:v1:/x", image("localhost:5000/team/web:v1", "/x")],
    [`image:web@sha256:${"a".repeat(64)}:/x`, image(`web@sha256:${"a".repeat(64)}`, "/x")],
    ["image:/x", container("image", "/x")],
    ["volume:data:/db:/x", volume("data", "/db:/x")],
    ["volume:/x", container("volume", "/x")],
    ["images:/x", container("images", "/x")],
    ["/etc/hosts", local("/etc/hosts")],
    ["/a:b", local("/a:b")],
    ["./a:b", local("./a:b")],
    ["../a:b", local("../a:b")],
    ["a/b:c", local("a/b:c")],
    ["./a/b:/c", local("./a/b:/c")],
    ["a/b/c:/d", local("a/b/c:/d")],
    ["a/.b:/c", local("a/.b:/c")],
    ["a/b:", local("a/b:")],
    ["file", local("file")],
    [".hidden:x", local(".hidden:x")],
    ["\udc80", local("\udc80")],
  ])("%j", (text, expected) => {
    expect(parseTarget(text)).toEqual(expected);
  });

  test.each([
    ["", /^an empty target$/],
    ["web:", /^'web:' has no path$/],
    [":/x", /^':\/x': '' is not a valid container name$/],
    ["a b:/x", /'a b' is not a valid container name$/],
    ["-x:/x", /'-x' is not a valid container name$/],
    ["wéb:/x", /is not a valid container name$/],
    ["pid:/x", /is not of the form pid:NUMBER:PATH$/],
    ["pid:", /is not of the form pid:NUMBER:PATH$/],
    ["pid:0:/x", /is not of the form/],
    ["pid:-1:/x", /is not of the form/],
    ["pid:1.5:/x", /is not of the form/],
    ["pid:2147483648:/x", /is not of the form/],
    ["pid:99999999999:/x", /is not of the form/],
    ["pid:7", /is not of the form/],
    ["pid:7:", /^'pid:7:' has no path$/],
    ["image:nginx", /^'image:nginx' has no path that begins with a slash$/],
    ["image:nginx:etc", /has no path that begins with a slash$/],
    ["image::/x", /'' is not a valid image name$/],
    ["image:-x:/x", /'-x' is not a valid image name$/],
    ["image:a b:/x", /'a b' is not a valid image name$/],
    ["volume:a/b:/x", /'a\/b' is not a valid volume name$/],
    ["volume:data", /has no path/],
  ])("%j is refused", (text, complaint) => {
    expect(() => parseTarget(text)).toThrow(
      expect.objectContaining({ code: "USAGE", message: expect.stringMatching(complaint), hint: expect.any(String) }),
    );
  });

  test.each([
    ["web", container("web", "/")],
    ["shop/web", container("shop/web", "/")],
    ["pid:7", ofProcess(7, "/")],
    ["web:/x", container("web", "/x")],
    ["pid:7:/x", ofProcess(7, "/x")],
    ["image:nginx:1.25", image("nginx:1.25", "/")],
    ["image:nginx:/etc", image("nginx", "/etc")],
    ["volume:data", volume("data", "/")],
    ["/x", local("/x")],
    ["./web", local("./web")],
    [".", local(".")],
  ])("may have no path if no path is needed: %j", (text, expected) => {
    expect(parseSessionTarget(text)).toEqual(expected);
  });

  test.each(["", "web:", "pid", "pid:x", "a b", "image:", "volume:"])("%j is also refused in that case", (text) => {
    expect(() => parseSessionTarget(text)).toThrow(expect.objectContaining({ code: "USAGE" }));
  });
});

describe("a path converted between text and bytes", () => {
  test("keeps every possible path", () => {
    // Bytes that occur in UTF-8. Many of their sequences are almost valid.
    const byte = fc.oneof(
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom(0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xed, 0xb2, 0x80, 0xf0),
    );
    const bytes = fc.array(byte, { maxLength: 60 }).map((list) => Uint8Array.from(list));
    fc.assert(
      fc.property(bytes, (path) => {
        expect(Uint8Array.from(pathBytes(pathText(path)))).toEqual(path);
      }),
      { numRuns: 1000 },
    );
  });

  test("is UTF-8 for text without lone surrogates, in both directions", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(pathBytes(text).equals(Buffer.from(text))).toBe(true);
        expect(pathText(Buffer.from(text))).toBe(text);
      }),
    );
  });

  test("has one lone surrogate for a byte that is not UTF-8, which splits and joins like any other character", () => {
    expect(pathText(Buffer.from("a/\xff\xc3\xa9/b", "latin1"))).toBe("a/\udcffé/b");
    expect([...pathBytes("\udcff")]).toEqual([0xff]);
    expect([...pathBytes("😀\udc80")]).toEqual([0xf0, 0x9f, 0x98, 0x80, 0x80]);
    // An encoded surrogate is not valid UTF-8.
    expect(pathText(Buffer.of(0xed, 0xb2, 0x80))).toBe("\udced\udcb2\udc80");
  });
});

describe("command-line arguments", () => {
  test("keep their exact bytes in a new process", async () => {
    const script = await bundleScript(`
      import { exactArguments, pathBytes } from "../target.ts";
      const exact = exactArguments(process.argv.slice(2));
      console.log(JSON.stringify(exact.map((argument) => pathBytes(argument).toString("hex"))));
    `);
    const cases: Buffer[][] = [
      [Buffer.from("cat"), Buffer.from("web:/\xff\xfe", "latin1"), Buffer.from("é")],
      [Buffer.from("\xc3", "latin1"), Buffer.of(), Buffer.from("last\xc3", "latin1")],
      [Buffer.of(), Buffer.from("\ufffd"), Buffer.of()],
      [Buffer.from("a\nb\x80", "latin1"), Buffer.from("-")],
      [Buffer.from("plain")],
      [],
    ];
    for (const args of cases) {
      // spawn accepts strings only: the shell's printf creates the bytes.
      const words = args.map(
        (arg) => `"$(printf '${[...arg].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("")}')"`,
      );
      const { stdout, stderr } = spawnSync(
        "sh",
        ["-c", `exec "$0" "$1" ${words.join(" ")}`, process.execPath, script],
        {
          encoding: "utf8",
        },
      );
      expect(stderr).toBe("");
      expect(JSON.parse(stdout)).toEqual(args.map((arg) => arg.toString("hex")));
    }
  });

  test("that are all UTF-8 are returned as a new list", () => {
    const args = ["a", "é"];
    expect(exactArguments(args)).toEqual(args);
    expect(exactArguments(args)).not.toBe(args);
  });
});
