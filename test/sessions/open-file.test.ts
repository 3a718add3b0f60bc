import { constants, mkdirSync, writeFileSync, writeSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { O_PATH } from "../../src/descriptors/constants.ts";
import { mkfifo, openPath, pipe } from "../../src/descriptors/files/file.ts";
import { statx } from "../../src/descriptors/files/statx.ts";
import { libc } from "../../src/descriptors/libc.ts";
import { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import { socketpair } from "../../src/descriptors/sockets/fd-socket.ts";
import type { FileClaim } from "../../src/protocol/file-stat.ts";
import { checkReceived } from "../../src/sessions/agent/check-received.ts";
import { kindOf, OpenFile } from "../../src/sessions/interface/open-file.ts";
import { statOf } from "../../src/sessions/local/open-local.ts";
import { owned, temporaryDirectory } from "../descriptors/fixtures.ts";

const { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK, S_IFREG, S_IFDIR, S_IFIFO, S_IFCHR, S_IFSOCK, S_IFLNK, S_IFBLK } =
  constants;

/** Returns the stat that a correct agent would send for the descriptor. */
function truth(fd: OwnedFd): FileClaim {
  const { mode, ino, rdevMajor, rdevMinor } = statx(fd);
  return { mode, inode: ino, rdevMajor, rdevMinor, relayed: false, consuming: false };
}

function open(path: string, flags: number = O_RDONLY): OwnedFd {
  return owned(openPath(path, flags));
}

function file(name = "file"): string {
  const path = `${temporaryDirectory()}/${name}`;
  writeFileSync(path, "content");
  return path;
}

function epoll(): OwnedFd {
  return owned(OwnedFd.adopt(libc.epoll_create1(0)));
}

function fifo(): string {
  const path = `${temporaryDirectory()}/fifo`;
  mkfifo(path);
  return path;
}

describe("a descriptor that matches the agent's stat is accepted:", () => {
  test.each<[string, () => OwnedFd]>([
    ["a file", () => open(file())],
    ["a directory", () => open(temporaryDirectory())],
    ["a FIFO", () => open(fifo(), O_RDONLY | O_NONBLOCK)],
    ["a device", () => open("/dev/null")],
    ["a file of /proc", () => open("/proc/self/status")],
  ])("%s", (_, make) => {
    const fd = make();
    expect(() => checkReceived("/x", fd, truth(fd), { consume: true }, "own process")).not.toThrow();
  });

  test("a file for writing, if requested", () => {
    const fd = open(file(), O_RDWR);
    expect(() => checkReceived("/x", fd, truth(fd), { write: true }, "own process")).not.toThrow();
  });

  test("a pipe for a relayed file, whose stat differs from the pipe's", () => {
    const [reading, writing] = pipe();
    owned(writing);
    const promised = { ...truth(open(file())), relayed: true };
    expect(() => checkReceived("/x", owned(reading), promised, {}, "own process")).not.toThrow();
  });
});

describe("a descriptor that does not match the agent's stat ends the session:", () => {
  const lie = (fd: OwnedFd, promised: Partial<FileClaim>, complaint: RegExp, write = false) =>
    expect(() =>
      checkReceived("/x", fd, { ...truth(fd), ...promised }, { write, consume: true }, "own process"),
    ).toThrow(expect.objectContaining({ code: "SESSION", message: expect.stringMatching(complaint) }));

  test("of another type", () => {
    const kinds = { file: S_IFREG, directory: S_IFDIR, fifo: S_IFIFO, "character device": S_IFCHR, socket: S_IFSOCK };
    const [reading, writing] = pipe();
    const [socket, other] = socketpair();
    owned(writing);
    owned(other);
    const sent: Record<string, OwnedFd> = {
      file: open(file()),
      directory: open(temporaryDirectory()),
      fifo: owned(reading),
      "character device": open("/dev/null"),
      socket: owned(socket),
    };
    for (const [found, fd] of Object.entries(sent)) {
      for (const [promised, mode] of Object.entries(kinds)) {
        if (promised !== found)
          lie(fd, { mode }, new RegExp(`the agent sent a ${found} instead of the announced ${promised}$`));
      }
    }
  });

  test("of no file type, such as an inotify or epoll instance", () => {
    const instance = epoll();
    expect(kindOf(truth(instance).mode)).toBe("unknown");
    lie(instance, { mode: S_IFREG }, /a unknown instead of the announced file$/);
  });

  test("another file of the same type", () => {
    const fd = open(file());
    lie(fd, { inode: truth(open(file())).inode }, /inode \d+ instead of the announced \d+$/);
  });

  test("another device", () => {
    const fd = open("/dev/null");
    lie(fd, { rdevMinor: 5 }, /another device number than announced$/);
    lie(fd, { rdevMajor: 5 }, /another device number than announced$/);
  });

  test("open for more or less access than requested", () => {
    const path = file();
    const access = /a descriptor with another access mode than requested$/;
    lie(open(path, O_RDWR), {}, access);
    lie(open(path, O_WRONLY), {}, access);
    lie(open(path, O_PATH), {}, access);
    lie(open(path, O_RDONLY), {}, access, true);
    lie(open(path, O_WRONLY), {}, access, true);
    lie(open(path, O_PATH), {}, access, true);
  });

  test("a file instead of the pipe of a relayed file, or the write end of the pipe", () => {
    lie(open(file()), { relayed: true }, /a file instead of the announced fifo$/);
    const [reading, writing] = pipe();
    owned(reading);
    lie(owned(writing), { relayed: true }, /another access mode/);
  });
});

test("kindOf returns the file type of a mode", () => {
  expect(
    [S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK, 0].map((type) => kindOf(type | 0o640)),
  ).toEqual([...["file", "directory", "link", "fifo", "socket", "character device", "block device", "unknown"]]);
});

describe("an open file", () => {
  const opened = (path: string, flags?: number): OpenFile => {
    const fd = openPath(path, flags ?? O_RDONLY);
    return owned(new OpenFile(path, fd, statOf(statx(fd))));
  };
  const text = async (chunks: AsyncIterable<Buffer>) => {
    let whole = "";
    for await (const chunk of chunks) whole += chunk.toString();
    return whole;
  };

  test("is read at offsets and as a stream, without moving its offset", async () => {
    const one = opened(file());
    const buffer = Buffer.alloc(4);
    expect([one.read(buffer, 3), buffer.toString(), one.size()]).toEqual([4, "tent", 7]);
    expect(await text(one.stream())).toBe("content");
    expect(await text(one.stream({ start: 3 }))).toBe("tent");
    expect(one.read(buffer, 7)).toBe(0);
  });

  test("that cannot seek reports it, and is read as a stream", async () => {
    const path = fifo();
    const one = opened(path, O_RDONLY | O_NONBLOCK);
    expect([one.isSeekable, one.kind, one.size()]).toEqual([false, "fifo", 0]);
    expect(() => one.read(Buffer.alloc(1), 0)).toThrow(expect.objectContaining({ code: "FILE", errno: "ESPIPE" }));
    const writer = open(path, O_WRONLY);
    const read = text(one.stream());
    writeSync(writer.number, "later");
    writer.close();
    expect(await read).toBe("later");
  });

  test("that only has the mode of a regular file is also read as a stream", async () => {
    // A pipe with the stat of a regular file, like /proc/kmsg, which has only one reader.
    const [reading, writing] = pipe();
    writeSync(writing.number, "kernel");
    writing.close();
    const one = owned(new OpenFile("/proc/kmsg", reading, statOf(statx(open(file())))));
    expect(await text(one.stream())).toBe("kernel");
  });

  test("that is idle ends at the signal, before the first byte and after it", async () => {
    const path = fifo();
    const one = opened(path, O_RDWR | O_NONBLOCK);
    const controller = new AbortController();
    const chunks = one.stream({ signal: controller.signal });
    writeSync(one.fd, "x");
    expect((await chunks.next()).value?.toString()).toBe("x");
    const next = chunks.next();
    controller.abort();
    await expect(next).rejects.toMatchObject({ code: "CANCELLED" });
    await expect(opened(file()).stream({ signal: controller.signal }).next()).rejects.toMatchObject({
      code: "CANCELLED",
    });
  });

  test("that is a directory fails with EISDIR for each kind of read", async () => {
    const path = temporaryDirectory();
    mkdirSync(`${path}/sub`);
    const one = opened(path);
    await expect(one.copyTo(1)).rejects.toMatchObject({ code: "FILE", errno: "EISDIR" });
    await expect(text(one.stream())).rejects.toMatchObject({ code: "FILE", errno: "EISDIR" });
  });

  test("gives up its descriptor once", () => {
    const one = opened(file());
    const fd = owned(OwnedFd.adopt(one.takeFd()));
    expect(() => one.fd).toThrow(expect.objectContaining({ errno: "EBADF" }));
    one.close();
    expect(statx(fd).size).toBe(7n);
  });
});

describe("close() and takeFd() end what waits for data:", () => {
  const closed = { code: "FILE", errno: "EBADF", message: expect.stringContaining("already closed") };
  test.each<[string, (file: OpenFile) => Promise<unknown>]>([
    ["stream()", (file) => file.stream().next()],
    ["stream() with a signal", (file) => file.stream({ signal: new AbortController().signal }).next()],
    ["copyTo()", (file) => file.copyTo(open("/dev/null", O_WRONLY).number)],
  ])("%s of a FIFO without data", async (_, read) => {
    for (const release of [(file: OpenFile) => file.close(), (file: OpenFile) => owned(OwnedFd.adopt(file.takeFd()))]) {
      const fd = openPath(fifo(), O_RDWR | O_NONBLOCK);
      const opened = new OpenFile("/fifo", fd, statOf(statx(fd)));
      const reading = read(opened);
      setImmediate(() => release(opened));
      await expect(reading).rejects.toMatchObject(closed);
    }
  });
});
