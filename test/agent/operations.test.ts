import {
  appendFileSync,
  chmodSync,
  constants,
  mkdirSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { IN_DELETE_SELF, IN_MODIFY } from "../../src/descriptors/constants.ts";
import { mkfifo } from "../../src/descriptors/files/file.ts";
import type { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import { readable } from "../../src/descriptors/poll.ts";
import { encode } from "../../src/protocol/codec.ts";
import { decodeFileStat, decodeOpened } from "../../src/protocol/file-stat.ts";
import { ListFlag, Op, OpenFlag, WatchFlag } from "../../src/protocol/messages.ts";
import type { EntryRecord } from "../../src/protocol/records.ts";
import { type Agent, builds, bytes, drain, type RawSession, startAgent } from "../helpers/agent.ts";
import { amount, counted } from "../helpers/extent.ts";
import { type Sandbox, sandbox } from "../helpers/namespaces.ts";

const ACCESS_MODE = 3; // O_ACCMODE
const IN_DONT_FOLLOW = 0x0200_0000;
const IN_MASK_CREATE = 0x1000_0000;

describe.each(builds)("the %s agent, route direct,", (build) => {
  let target: Sandbox;
  let agent: Agent;
  let session: RawSession;
  const open = (path: string, flags = 0) => session.descriptor(Op.open, encode.open(flags, 0n, bytes(path)));
  const openFailure = (path: string, flags = 0) => session.failure(Op.open, encode.open(flags, 0n, bytes(path)));
  const text = async (path: string) => (await drain(await open(path))).toString();

  beforeEach(async () => {
    target = await sandbox({ steps: ["tmpfs", "/tmp", "write", "/tmp/note", "in the tmpfs"] });
    writeFileSync(`${target.root}/file`, "content\n");
    agent = await startAgent({ build, args: ["direct", "--target-pid", String(target.pid), "--join-user-ns"] });
    session = await agent.session();
  });

  afterEach(async () => {
    session.close();
    await agent.stop();
    await target.stop();
  });

  test("opens a file and returns its stat", async () => {
    const { descriptors, body } = await session.must(Op.open, encode.open(0, 0n, bytes("/file")));
    const stat = decodeFileStat(body);
    const found = statSync(`${target.root}/file`, { bigint: true });
    expect(stat).toMatchObject({ mode: Number(found.mode), inode: found.ino, size: 8n, relayed: false });
    expect([stat.mtime, stat.ctime]).toEqual([found.mtimeNs, found.ctimeNs]);
    expect(descriptors).toHaveLength(1);
    const [fd] = descriptors as [OwnedFd];
    const flags = Number.parseInt(
      /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd.number}`, "utf8"))?.[1] ?? "",
      8,
    );
    expect(flags & ACCESS_MODE).toBe(constants.O_RDONLY);
    expect(flags & constants.O_NONBLOCK).toBe(constants.O_NONBLOCK);
    expect((await drain(fd)).toString()).toBe("content\n");
  });

  test("opens many files of a directory with one request, and leaves the others to single requests", async () => {
    const many = `${target.root}/many`;
    mkdirSync(`${many}/directory`, { recursive: true });
    for (const name of ["a", "b", "empty"]) writeFileSync(`${many}/${name}`, name === "empty" ? "" : `${name}\n`);
    symlinkSync("a", `${many}/link`);
    mkfifo(`${many}/fifo`);
    const names = ["fifo", "a", "none", "link", "b", "directory", "..", "empty"];
    const { descriptors, body } = await session.must(Op.openMany, encode.openMany(bytes("/many"), names.map(bytes)));
    const opened = decodeOpened(body, names.length, descriptors.length);
    expect(opened.map(({ at }) => names[at])).toEqual(["a", "b", "empty"]);
    expect(opened.map(({ stat }) => decodeFileStat(stat).inode)).toEqual(
      ["a", "b", "empty"].map((name) => statSync(`${many}/${name}`, { bigint: true }).ino),
    );
    expect(await Promise.all(descriptors.map(async (fd) => (await drain(fd)).toString()))).toEqual(["a\n", "b\n", ""]);
    expect(await session.failure(Op.openMany, encode.openMany(bytes("/none"), [bytes("a")]))).toBe("ENOENT");
    expect(await session.failure(Op.openMany, encode.openMany(bytes("/many/a"), [bytes("a")]))).toBe("ENOTDIR");
    const consuming = encode.openMany(bytes("/proc"), ["kmsg", "version"].map(bytes));
    const reply = await session.must(Op.openMany, consuming);
    expect(decodeOpened(reply.body, 2, reply.descriptors.length).map(({ at }) => at)).toEqual([1]);
    for (const fd of reply.descriptors) fd.close();
  });

  test("opens files that only the target sees, relative paths from its root", async () => {
    expect(await text("/tmp/note")).toBe("in the tmpfs\n");
    expect(await text("tmp/../tmp/note")).toBe("in the tmpfs\n");
    expect(await text("/proc/1/comm")).toBe("ready\n");
  });

  test("opens for writing only on request", async () => {
    const fd = await open("/file", OpenFlag.write);
    appendFileSync(fd.number, "new text");
    fd.close();
    expect(readFileSync(`${target.root}/file`, "utf8")).toBe("new text");
  });

  test.each(["/link", "/up", "/deep/link"])("keeps a symbolic link inside the target: %s", async (name) => {
    mkdirSync(`${target.root}/etc`);
    writeFileSync(`${target.root}/etc/passwd`, "the target's own\n");
    mkdirSync(`${target.root}/deep`);
    symlinkSync("/etc/passwd", `${target.root}/link`);
    symlinkSync("../../../../../../etc/passwd", `${target.root}/up`);
    symlinkSync("/link/../../../up", `${target.root}/deep/broken`);
    symlinkSync("../../../link", `${target.root}/deep/link`);
    expect(await text(name)).toBe("the target's own\n");
    expect(await text(`/../../..${name}`)).toBe("the target's own\n");
    expect(await openFailure("/deep/broken")).toBe("ENOTDIR");
  });

  test("follows root, cwd, exe and descriptors of the target's own processes, but no other magic link", async () => {
    expect(await text("/proc/1/root/file")).toBe(await text("/file"));
    expect(await text("//proc/1//root/proc/../file")).toBe(await text("/file"));
    expect(await text("/proc/1/root/../../file")).toBe(await text("/file"));
    expect(await text("/proc/1/cwd/file")).toBe(await text("/file"));
    expect(await text("/proc/1/cwd/../../../file")).toBe(await text("/file"));
    (await open("/proc/1/exe")).close();
    (await open("/proc/1/root", OpenFlag.directory)).close();
    expect(await openFailure("/proc/1/root", OpenFlag.noFollow)).toBe("ELOOP");
    expect(await openFailure("/proc/1/ns/mnt")).toBe("ELOOP");
    expect(await openFailure("/proc/1/root/proc/1/exe")).toBe("ELOOP");
    expect(await openFailure("/proc/4000000/root/file")).toBe("ENOENT");
    expect(await openFailure("/proc/1/fd/999")).toBe("ENOENT");
    expect(await openFailure("/proc/1/exe/below")).toBe("ENOTDIR");
  });

  test("returns the kernel's errno when an open fails", async () => {
    symlinkSync("/file", `${target.root}/link`);
    symlinkSync("/loop", `${target.root}/loop`);
    expect(await openFailure("/nothing")).toBe("ENOENT");
    expect(await openFailure("/file/below")).toBe("ENOTDIR");
    expect(await openFailure("/link", OpenFlag.noFollow)).toBe("ELOOP");
    expect(await openFailure("/loop")).toBe("ELOOP");
    expect(await openFailure("/file", OpenFlag.directory)).toBe("ENOTDIR");
    expect(await openFailure("/tmp", OpenFlag.write)).toBe("EISDIR");
    expect(await openFailure(`/${"x".repeat(256)}`)).toBe("ENAMETOOLONG");
    (await open("/tmp", OpenFlag.directory)).close();
  });

  test("returns ENXIO for a socket", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(`${target.root}/socket`, resolve));
    expect(await openFailure("/socket")).toBe("ENXIO");
    await new Promise((resolve) => server.close(resolve));
  });

  test("stats files, and a final link itself with noFollow", async () => {
    symlinkSync("/file", `${target.root}/link`);
    const mode = async (flags: number, path: string) =>
      decodeFileStat((await session.must(Op.stat, encode.stat(flags, bytes(path)))).body).mode & constants.S_IFMT;
    expect(await mode(0, "/link")).toBe(constants.S_IFREG);
    expect(await mode(OpenFlag.noFollow, "/link")).toBe(constants.S_IFLNK);
    expect(await mode(0, "/")).toBe(constants.S_IFDIR);
    expect(await session.failure(Op.stat, encode.stat(0, bytes("/nothing")))).toBe("ENOENT");
  });

  test("reads links byte for byte, including the longest links and magic links", async () => {
    const read = async (path: string) =>
      Buffer.from((await session.must(Op.readlink, encode.readlink(bytes(path)))).body);
    const longest = `/${"y".repeat(4094)}`;
    symlinkSync(longest, `${target.root}/long`);
    symlinkSync(Buffer.from([0xff, 0x0a, 0x1b]), `${target.root}/odd`);
    expect((await read("/long")).toString()).toBe(longest);
    expect(await read("/odd")).toEqual(Buffer.from([0xff, 0x0a, 0x1b]));
    expect((await read("/proc/1/exe")).toString()).toMatch(/\/workload$/);
    expect(await session.failure(Op.readlink, encode.readlink(bytes("/file")))).toBe("EINVAL");
    expect(await session.failure(Op.readlink, encode.readlink(bytes("/nothing")))).toBe("ENOENT");
  });

  test("lists a directory with and without stat", async () => {
    symlinkSync("/file", `${target.root}/link`);
    const plain = await session.records(Op.list, encode.list(0, bytes("/")));
    const names = (plain.records as EntryRecord[]).map(({ name }) => Buffer.from(name).toString()).sort();
    expect(names).toEqual(["dev", "file", "link", "proc", "tmp", "workload"]);
    expect(plain.error).toBe(0);
    const full = await session.records(Op.list, encode.list(ListFlag.stat, bytes("/")));
    const entry = (name: string) =>
      (full.records as EntryRecord[]).find((one) => Buffer.from(one.name).toString() === name);
    expect(entry("file")?.stat?.size).toBe(8n);
    expect(Buffer.from(entry("link")?.link ?? []).toString()).toBe("/file");
    expect(entry("link")?.stat?.mode).toBe(constants.S_IFLNK | 0o777);
    expect(await session.failure(Op.list, encode.list(0, bytes("/file")))).toBe("ENOTDIR");
  });

  const many = amount(20_000, 2000);
  test(`lists ${counted(many)} entries completely, including names of 255 bytes`, async () => {
    mkdirSync(`${target.root}/many`);
    for (let n = 0; n < many; n++)
      writeFileSync(`${target.root}/many/${n}`.padEnd(n % 100 ? 0 : `${target.root}/many/`.length + 255, "z"), "");
    const { records, error } = await session.records(Op.list, encode.list(ListFlag.stat, bytes("/many")));
    expect([records.length, error]).toEqual([many, 0]);
  });

  test("sends at most 32 long answers at once, and continues when they are read", async () => {
    mkdirSync(`${target.root}/many`);
    for (let n = 0; n < 2_000; n++) writeFileSync(`${target.root}/many/${n}`.padEnd(200, "z"), "");
    const request = encode.list(ListFlag.stat, bytes("/many"));
    const unread: OwnedFd[] = [];
    for (let n = 0; n < 32; n++) unread.push(await session.descriptor(Op.list, request));
    expect(await session.failure(Op.list, request)).toBe("EAGAIN");
    expect(await text("/file")).toBe("content\n");
    for (const fd of unread) fd.close();
    for (;;) {
      const reply = await session.request(Op.list, request);
      for (const fd of reply.descriptors) fd.close();
      if (reply.error === 0) break;
    }
  });

  test("watches through one inotify instance, passed once", async () => {
    writeFileSync(`${target.root}/other`, "");
    const watch = async (path: string, mask = IN_MODIFY) => {
      const { body, descriptors } = await session.must(Op.watch, encode.watch(0, mask, -1, bytes(path)));
      return { number: Buffer.from(body).readInt32LE(0), descriptors };
    };
    expect(await session.failure(Op.watch, encode.watch(0, IN_MODIFY, -1, bytes("/nothing")))).toBe("ENOENT");
    const first = await watch("/file");
    const second = await watch("/other", IN_DELETE_SELF);
    expect(second.descriptors).toHaveLength(0);
    expect(second.number).not.toBe(first.number);
    const [inotify] = first.descriptors as [OwnedFd];
    appendFileSync(`${target.root}/file`, "more");
    await readable(inotify, { timeoutMs: 20_000 });
    const event = Buffer.alloc(4096);
    readSync(inotify.number, event);
    expect([event.readInt32LE(0), event.readUInt32LE(4)]).toEqual([first.number, IN_MODIFY]);

    const remove = encode.watch(WatchFlag.remove, 0, first.number, undefined);
    expect((await session.must(Op.watch, remove)).descriptors).toHaveLength(0);
    expect(await session.failure(Op.watch, remove)).toBe("EINVAL");
    expect((await watch("/file")).descriptors).toHaveLength(0);
    inotify.close();
  });

  test("refuses masks that would watch another object", async () => {
    for (const mask of [IN_MODIFY | IN_MASK_CREATE, IN_MODIFY | IN_DONT_FOLLOW, 0])
      expect(await session.failure(Op.watch, encode.watch(0, mask, -1, bytes("/file")))).toBe("EINVAL");
    expect(await session.failure(Op.watch, encode.watch(WatchFlag.remove, 0, 1, undefined))).toBe("EINVAL");
  });

  test("watches a symbolic link itself with noFollow", async () => {
    symlinkSync("/file", `${target.root}/link`);
    const body = encode.watch(WatchFlag.noFollow, IN_MODIFY | 0x4 | 0x800, -1, bytes("/link"));
    const inotify = await session.descriptor(Op.watch, body);
    renameSync(`${target.root}/link`, `${target.root}/moved`);
    await readable(inotify, { timeoutMs: 20_000 });
    const event = Buffer.alloc(4096);
    readSync(inotify.number, event);
    expect(event.readUInt32LE(4)).toBe(0x800);
    inotify.close();
  });

  test("passes the target's mounts", async () => {
    const mounts = (await drain(await session.descriptor(Op.mounts, encode.mounts()))).toString();
    expect(mounts).toMatch(/ \/tmp .* - tmpfs /);
  });

  test("opens a 0600 file that the target's root owns", async () => {
    writeFileSync(`${target.root}/secret`, "quiet\n");
    chmodSync(`${target.root}/secret`, 0);
    expect(await text("/secret")).toBe("quiet\n");
  });

  test("never leaves the target's root while directories are renamed", async () => {
    for (const name of ["a", "a/b", "c"]) mkdirSync(`${target.root}/${name}`);
    writeFileSync(`${target.root}/a/b/here`, "");
    let stop = false;
    const mover = (async () => {
      while (!stop) {
        renameSync(`${target.root}/a/b`, `${target.root}/c/b`);
        renameSync(`${target.root}/c/b`, `${target.root}/a/b`);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    for (let n = 0; n < 500; n++) {
      const reply = await session.request(Op.stat, encode.stat(0, bytes("/a/b/../../../../../etc/passwd")));
      expect([2, 11]).toContain(reply.error); // ENOENT: the target has no /etc
    }
    stop = true;
    await mover;
  });
});
