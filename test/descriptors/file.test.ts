import {
  constants,
  mkdirSync,
  readFileSync,
  readSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { O_PATH } from "../../src/descriptors/constants.ts";
import {
  getFlags,
  mkfifo,
  openDirectory,
  openPath,
  pipe,
  setNonBlocking,
  tryLock,
} from "../../src/descriptors/files/file.ts";
import { seekData, seekTo } from "../../src/descriptors/files/seek.ts";
import { makeDevice, statx } from "../../src/descriptors/files/statx.ts";
import { socketpair } from "../../src/descriptors/sockets/fd-socket.ts";
import { owned, temporaryDirectory, withoutLeak } from "./fixtures.ts";

const file = (errno: string) => expect.objectContaining({ code: "FILE", errno });

test.each(["regular", "directory", "sparse", "/dev/null", "/dev/tty0", "/proc/self/status", "/sys/kernel/notes"])(
  "statx of %s returns the values of stat",
  (name) => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "regular"), "some bytes");
    mkdirSync(join(directory, "directory"));
    writeFileSync(join(directory, "sparse"), "");
    truncateSync(join(directory, "sparse"), 5_000_000_000);
    const path = name.startsWith("/") ? name : join(directory, name);
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return;
    const fd = owned(openPath(path, O_PATH)); // does not touch a device or a FUSE server
    const stat = statx(fd);
    const expected = statSync(path, { bigint: true });
    expect(stat).toMatchObject({
      mode: Number(expected.mode),
      nlink: Number(expected.nlink),
      uid: Number(expected.uid),
      gid: Number(expected.gid),
      ino: expected.ino,
      size: expected.size,
      blocks: expected.blocks,
      dev: expected.dev,
      rdev: expected.rdev,
      mtime: expected.mtimeNs,
      ctime: expected.ctimeNs,
    });
    if (stat.btime !== undefined) expect(stat.btime).toBe(expected.birthtimeNs);
    const mount = /^mnt_id:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd.number}`, "utf8"))?.[1];
    expect(stat.mountId).toBe(BigInt(mount ?? -1));
  },
);

test("statx works on pipes and sockets, and fails on a closed descriptor", () => {
  const [outlet, inlet] = pipe().map(owned);
  const [a, b] = socketpair().map(owned);
  if (!outlet || !inlet || !a || !b) throw new Error();
  expect(statx(outlet).mode & constants.S_IFMT).toBe(constants.S_IFIFO);
  expect(statx(a).mode & constants.S_IFMT).toBe(constants.S_IFSOCK);
  const { number } = a;
  a.close();
  expect(() => statx(a)).toThrow(file("EBADF"));
  expect(() => statx(number)).toThrow(file("EBADF"));
});

test("device numbers are decoded as makedev(3) encodes them, also beyond 8 bits", () => {
  expect(makeDevice(8, 1)).toBe(0x801n);
  expect(makeDevice(0xfff, 0xfffff)).toBe(0xfff_ffff_fn | 0xffn);
  expect(makeDevice(0x1234_5678, 0x9abc_def0)).toBe(0x1234_59ab_cde6_78f0n);
});

test("O_NONBLOCK can be set and cleared", () => {
  const [outlet] = pipe().map(owned);
  if (outlet === undefined) throw new Error();
  expect(getFlags(outlet) & constants.O_NONBLOCK).toBe(0);
  setNonBlocking(outlet, true);
  expect(getFlags(outlet) & constants.O_NONBLOCK).not.toBe(0);
  setNonBlocking(outlet, false);
  expect(getFlags(outlet) & 3).toBe(constants.O_RDONLY);
  expect(getFlags(outlet) & constants.O_NONBLOCK).toBe(0);
});

test("a path may contain bytes that are not UTF-8", () => {
  const directory = temporaryDirectory();
  const path = Buffer.concat([Buffer.from(`${directory}/`), Buffer.of(0xff, 0x0a, 0xfe)]);
  writeFileSync(path, "content");
  expect(readFileSync(owned(openPath(path, constants.O_RDONLY)).number, "utf8")).toBe("content");
});

test("the error of a failed open names the path and the reason", () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "file"), "");
  symlinkSync("loop", join(directory, "loop"));
  withoutLeak(() => {
    expect(() => openPath(join(directory, "none"), constants.O_RDONLY)).toThrow(
      expect.objectContaining({
        code: "FILE",
        errno: "ENOENT",
        message: `${directory}/none: No such file or directory`,
      }),
    );
    expect(() => openPath(join(directory, "loop"), constants.O_RDONLY)).toThrow(file("ELOOP"));
    expect(() => openDirectory(join(directory, "file"))).toThrow(file("ENOTDIR"));
  });
});

test("a lock holds against another open file, and ends with the descriptor", () => {
  const path = join(temporaryDirectory(), "lock");
  const open = () => owned(openPath(path, constants.O_RDWR | constants.O_CREAT, 0o600));
  const [first, second] = [open(), open()];
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(tryLock(first)).toBe(true);
  expect(tryLock(first)).toBe(true);
  expect(tryLock(second)).toBe(false);
  first.close();
  expect(tryLock(second)).toBe(true);
});

test("a FIFO is created under a name of raw bytes, and an existing name is EEXIST", () => {
  const path = Buffer.concat([Buffer.from(`${temporaryDirectory()}/`), Buffer.of(0xff)]);
  mkfifo(path, 0o600);
  expect(statSync(path).isFIFO()).toBe(true);
  expect(() => mkfifo(path)).toThrow(file("EEXIST"));
});

test("data of a sparse file is found far beyond 4 GiB", () => {
  const path = join(temporaryDirectory(), "sparse");
  const size = 2 ** 42;
  writeFileSync(path, "");
  truncateSync(path, size);
  const fd = owned(openPath(path, constants.O_RDWR));
  expect(seekData(fd, 0)).toBeUndefined();
  writeSync(fd.number, "data", 2 ** 41);
  const data = seekData(fd, 1);
  expect(data).toBeGreaterThan(2 ** 41 - 2 ** 21);
  expect(data).toBeLessThanOrEqual(2 ** 41);
  expect(seekData(fd, 2 ** 41 + 1)).toBe(2 ** 41 + 1);
  expect(seekData(fd, 2 ** 41 + 2 ** 22)).toBeUndefined();
  expect(seekData(fd.number, 2 ** 41)).toBe(2 ** 41);
});

test("a seek moves the offset that all copies of the descriptor share; a pipe cannot seek", () => {
  const path = join(temporaryDirectory(), "file");
  writeFileSync(path, "0123456789");
  const fd = owned(openPath(path, constants.O_RDONLY));
  const copy = owned(fd.duplicate());
  expect(seekTo(fd, 7)).toBe(true);
  const rest = Buffer.alloc(9);
  expect(rest.toString("utf8", 0, readSync(copy.number, rest))).toBe("789");
  const [outlet] = pipe().map(owned);
  if (outlet === undefined) throw new Error();
  expect(seekTo(outlet, 1)).toBe(false);
  expect(() => seekData(outlet, 0)).toThrow(file("ESPIPE"));
});
