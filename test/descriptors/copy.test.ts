import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { copyToFd } from "../../src/descriptors/bytes/transfer.ts";
import { openPath, pipe, setNonBlocking } from "../../src/descriptors/files/file.ts";
import type { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import { processName } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { owned, temporaryDirectory } from "./fixtures.ts";
import { bundleScript, outcome, runScript, start } from "./run-script.ts";

const file = (errno: string) => expect.objectContaining({ code: "FILE", errno });
const { O_APPEND, O_CREAT, O_RDONLY, O_RDWR, O_WRONLY } = constants;

function source(content: Buffer | string): OwnedFd {
  const path = join(temporaryDirectory(), "source");
  writeFileSync(path, content);
  return owned(openPath(path, O_RDONLY));
}

/** An output: its descriptor, and the content that it received after it is closed. */
interface Sink {
  out: OwnedFd;
  content(): Promise<Buffer>;
}

function toFile(flags = 0, before = ""): Sink {
  const path = join(temporaryDirectory(), "out");
  writeFileSync(path, before);
  const out = owned(openPath(path, O_WRONLY | O_CREAT | flags));
  return {
    out,
    async content() {
      out.close();
      return readFileSync(path);
    },
  };
}

/** Makes a pipe that another process reads, because the copy is synchronous. */
function toPipe(nonBlocking: boolean): Sink {
  const path = join(temporaryDirectory(), "out");
  const [outlet, out] = pipe();
  const reader = spawn("sh", ["-c", 'cat > "$0"', path], { stdio: [outlet.number, "ignore", "inherit"] });
  onTestFinished(() => void reader.kill("SIGKILL"));
  const ended = new Promise((resolve) => reader.on("exit", resolve));
  outlet.close();
  owned(out);
  setNonBlocking(out, nonBlocking);
  return {
    out,
    async content() {
      out.close();
      await ended;
      return readFileSync(path);
    },
  };
}

const sinks: [string, () => Sink][] = [
  ["a file", () => toFile()],
  ["a file opened to append", () => toFile(O_APPEND)],
  ["a pipe", () => toPipe(false)],
  ["a non-blocking pipe", () => toPipe(true)],
];

for (const [name, sink] of sinks) {
  test.each([0, 1, 4095, 65_536, 65_537, 5_000_001])(`copyToFd copies %i bytes to ${name}`, async (size) => {
    const content = randomBytes(size);
    const from = source(content);
    const { out, content: arrived } = sink();
    expect(copyToFd(from, out.number)).toBe(BigInt(size));
    expect(Buffer.compare(await arrived(), content)).toBe(0);
  });

  // Files whose size is reported as 0 or 4096, files of several pages, and a binary file.
  test.each(["/proc/filesystems", "/proc/self/maps", "/proc/kallsyms", "/sys/class/net/lo/mtu", "/sys/kernel/notes"])(
    `copyToFd copies %s to ${name}`,
    async (path) => {
      if (statSync(path, { throwIfNoEntry: false }) === undefined) return;
      // Use an idle process, so that the file does not change.
      const idle = path === "/proc/self/maps" ? spawn("sleep", ["600"], { stdio: "ignore" }) : undefined;
      onTestFinished(() => void idle?.kill("SIGKILL"));
      if (idle !== undefined) await waitFor("sleep to run", () => processName(idle.pid ?? 0) === "sleep");
      const place = idle === undefined ? path : `/proc/${idle.pid}/maps`;
      // The kernel's symbols change when other programs load code. The comparison counts only if
      // the file was the same before and after the copy.
      await waitFor("it to stay the same meanwhile", async () => {
        const from = owned(openPath(place, O_RDONLY));
        const { out, content } = sink();
        const expected = readFileSync(place);
        const copied = copyToFd(from, out.number);
        const arrived = await content();
        if (!readFileSync(place).equals(expected)) return false;
        expect(copied).toBe(BigInt(expected.length));
        expect(Buffer.compare(arrived, expected)).toBe(0);
        return true;
      });
    },
  );

  test(`copyToFd copies a sparse file, holes included, to ${name}`, async () => {
    const path = join(temporaryDirectory(), "sparse");
    writeFileSync(path, "start");
    truncateSync(path, 20_000_000);
    const writer = owned(openPath(path, O_RDWR));
    writeSync(writer.number, "end", 20_000_000);
    const from = owned(openPath(path, O_RDONLY));
    const { out, content } = sink();
    expect(copyToFd(from, out.number)).toBe(20_000_003n);
    expect(Buffer.compare(await content(), readFileSync(path))).toBe(0);
  });

  test(`copyToFd reports its progress while it copies a part to ${name}`, async () => {
    const from = source(randomBytes(20_000_000));
    const { out } = sink();
    const told: bigint[] = [];
    copyToFd(from, out.number, { offset: 1_000_000n, length: 18_000_000n, onProgress: (copied) => told.push(copied) });
    expect(told.length).toBeGreaterThan(1);
    const steps = told.map((copied, index) => Number(copied - (told[index - 1] ?? 0n)));
    expect(steps.filter((step) => step <= 0 || step > 16 * 1024 * 1024)).toEqual([]);
    expect(told.at(-1)).toBe(18_000_000n);
  });

  test(`a part to ${name} neither uses nor moves the source's offset`, async () => {
    const content = randomBytes(300_000);
    const from = source(content);
    const { out, content: arrived } = sink();
    expect(copyToFd(from, out.number, { offset: 1_000n, length: 250_000n })).toBe(250_000n);
    expect(copyToFd(from, out.number, { offset: 290_000n, length: 99_999_999n })).toBe(10_000n);
    expect(copyToFd(from, out.number, { offset: 300_001n })).toBe(0n);
    expect(readFileSync(`/proc/self/fdinfo/${from.number}`, "utf8")).toMatch(/^pos:\s+0$/m);
    const expected = Buffer.concat([content.subarray(1_000, 251_000), content.subarray(290_000)]);
    expect(Buffer.compare(await arrived(), expected)).toBe(0);
  });
}

test("copies of small files share one buffer", () => {
  const [empty, { out }] = [source(""), toFile()];
  copyToFd(empty, out.number);
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  for (let n = 0; n < 64; n++) {
    copyToFd(empty, out.number);
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  expect(most).toBeLessThan(256 * 1024);
});

describe("a copy to a new file", () => {
  const MIB = 1 << 20;

  /** A source of 40 MiB, and an empty file beside it. */
  function pair() {
    const directory = temporaryDirectory();
    const path = join(directory, "source");
    writeFileSync(path, randomBytes(40 * MIB));
    const copy = join(directory, "copy");
    const out = owned(openPath(copy, O_WRONLY | O_CREAT));
    return { path, from: owned(openPath(path, O_RDONLY)), out, copy };
  }

  test("allocates blocks before the content only on ext4, without changing the size", () => {
    const { from, out, copy } = pair();
    const told: { size: bigint; isAllocated: boolean }[] = [];
    const isAhead = statfsSync(copy).type === 0xef53;
    const onProgress = () => {
      const { size, blocks } = statSync(copy, { bigint: true });
      told.push({ size, isAllocated: blocks * 512n >= 40 * MIB });
    };
    expect(copyToFd(from, out.number, { isNew: true, onProgress })).toBe(BigInt(40 * MIB));
    expect(told).toEqual([
      { size: BigInt(16 * MIB), isAllocated: isAhead },
      { size: BigInt(32 * MIB), isAllocated: isAhead },
      { size: BigInt(40 * MIB), isAllocated: true },
    ]);
  });

  test("keeps only the blocks of its content if the source shrinks meanwhile", () => {
    const { path, from, out, copy } = pair();
    copyToFd(from, out.number, { isNew: true, onProgress: () => truncateSync(path, 17 * MIB) });
    expect(readFileSync(copy).equals(readFileSync(path))).toBe(true);
    expect(statSync(copy).blocks * 512).toBeLessThan(18 * MIB);
  });

  test("ends at the size that the source had at the start, however far it grows", () => {
    const { path, from, out, copy } = pair();
    const before = readFileSync(path);
    copyToFd(from, out.number, { isNew: true, onProgress: () => truncateSync(path, 2 ** 40) });
    expect(readFileSync(copy).equals(before)).toBe(true);
  });

  test("of an empty source is empty, however far the source grows", () => {
    const { path, from, out, copy } = pair();
    truncateSync(path, 0);
    copyToFd(from, out.number, { isNew: true, onProgress: () => truncateSync(path, 2 ** 40) });
    truncateSync(path, 2 ** 40);
    expect(statSync(copy).size).toBe(0);
  });

  test("keeps the holes of the source", () => {
    const { path, out, copy } = pair();
    truncateSync(path, 0);
    const writer = owned(openPath(path, O_RDWR));
    for (const at of [0, 50 * MIB, 200 * MIB]) writeSync(writer.number, Buffer.alloc(3 * MIB, 1), 0, 3 * MIB, at);
    truncateSync(path, 300 * MIB);
    const from = owned(openPath(path, O_RDONLY));
    expect(copyToFd(from, out.number, { isNew: true })).toBe(BigInt(300 * MIB));
    expect(statSync(copy).blocks * 512).toBeLessThan(10 * MIB);
    expect(readFileSync(copy).equals(readFileSync(path))).toBe(true);
  });

  test("reads a file of the kernel, whose size is 0, to its end", () => {
    const { out, copy } = pair();
    copyToFd(owned(openPath("/proc/filesystems", O_RDONLY)), out.number, { isNew: true });
    expect(readFileSync(copy, "utf8")).toBe(readFileSync("/proc/filesystems", "utf8"));
  });
});

test("a copy appends with O_APPEND, and otherwise writes at the offset of the output", async () => {
  const appended = toFile(O_APPEND, "before ");
  copyToFd(source("after"), appended.out.number);
  expect((await appended.content()).toString()).toBe("before after");
  const plain = toFile(0, "0123456789");
  writeSync(plain.out.number, "ab");
  copyToFd(source("cd"), plain.out.number);
  expect((await plain.content()).toString()).toBe("abcd456789");
});

test("copyToFd writes everything to /dev/null, and fails with ENOSPC on /dev/full", () => {
  const from = source(randomBytes(100_000));
  expect(copyToFd(from, owned(openPath("/dev/null", O_WRONLY)).number)).toBe(100_000n);
  expect(() => copyToFd(from, owned(openPath("/dev/full", O_WRONLY)).number)).toThrow(file("ENOSPC"));
});

test("copyToFd fails with EPIPE on a pipe without a reader", () => {
  const [outlet, inlet] = pipe();
  outlet.close();
  for (const content of ["small", randomBytes(1_000_000)])
    expect(() => copyToFd(source(content), inlet.number)).toThrow(file("EPIPE"));
  inlet.close();
});

test("a copy of a file to its own end is refused, and a copy to its own beginning is allowed, as by cat", () => {
  const path = join(temporaryDirectory(), "file");
  writeFileSync(path, "content");
  const from = owned(openPath(path, O_RDONLY));
  const append = owned(openPath(path, O_WRONLY | O_APPEND));
  expect(() => copyToFd(from, append.number)).toThrow("input file is output file");
  const behind = owned(openPath(path, O_RDWR));
  writeSync(behind.number, "c");
  expect(() => copyToFd(from, behind.number)).toThrow(file("EINVAL"));
  copyToFd(from, owned(openPath(path, O_RDWR)).number);
  expect(readFileSync(path, "utf8")).toBe("content");
});

test("copyToFd refuses a pipe, a directory and a file that is not open for reading", () => {
  const out = owned(openPath("/dev/null", O_WRONLY)).number;
  const [outlet, inlet] = pipe().map(owned);
  if (!outlet || !inlet) throw new Error();
  expect(() => copyToFd(outlet, out)).toThrow(file("ESPIPE"));
  expect(() => copyToFd(owned(openPath("/tmp", O_RDONLY)), out)).toThrow(file("EISDIR"));
  expect(() => copyToFd(owned(openPath("/dev/null", O_WRONLY)), out)).toThrow(file("EBADF"));
});

test("Ctrl-C ends a copy that waits for its reader", async () => {
  const path = join(temporaryDirectory(), "big");
  writeFileSync(path, "");
  truncateSync(path, 100_000_000);
  const child = start(
    await bundleScript(`
      import { writeSync } from "node:fs";
      import { openPath } from "./files/file.ts";
      import { copyToFd } from "./bytes/transfer.ts";
      const source = openPath(process.argv[2], 0);
      writeSync(2, "copying");
      copyToFd(source, 1);
    `),
    [path],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  await new Promise((resolve) => child.stderr?.once("data", resolve));
  child.kill("SIGINT");
  child.stdout?.resume();
  expect((await outcome(child)).signal).toBe("SIGINT");
});

test.each(["SIGPIPE", "SIGINT", "SIGTERM"])("a process that handles %s can still be killed by it", async (signal) => {
  const { signal: died, stdout } = await runScript(`
    import { dieBySignal } from "./bytes/transfer.ts";
    process.on("SIGINT", () => {});
    process.on("exit", () => console.log("exit handler"));
    dieBySignal(${JSON.stringify(signal)});
  `);
  expect(died).toBe(signal);
  expect(stdout.toString()).toBe("");
});

/** Creates a file of these parts: bytes, or the length of a hole. Returns its path. */
function sparseFile(...parts: (Buffer | number)[]): string {
  const path = join(temporaryDirectory(), "sparse");
  writeFileSync(path, "");
  const fd = openSync(path, "r+");
  let size = 0;
  for (const part of parts) {
    if (typeof part !== "number") writeSync(fd, part, 0, part.length, size);
    size += typeof part === "number" ? part : part.length;
  }
  ftruncateSync(fd, size);
  closeSync(fd);
  return path;
}

const MIB = 1024 * 1024;

describe("the holes of a sparse file that is copied to a file", () => {
  const page = () => randomBytes(4096);

  test.each([
    ["in front", [MIB, page()]],
    ["in the middle", [page(), MIB, page(), MIB, page()]],
    ["at the end", [page(), MIB]],
    ["that are all of it", [8 * MIB]],
    ["that end within a block", [Buffer.from("a"), 100_001, Buffer.from("b"), 99_999]],
  ])("stay holes: %s", (_, parts) => {
    const path = sparseFile(...parts);
    const from = owned(openPath(path, O_RDONLY));
    const { out, path: copy } = toNewFile();
    expect(copyToFd(from, out.number)).toBe(BigInt(statSync(path).size));
    expect(Buffer.compare(readFileSync(copy), readFileSync(path))).toBe(0);
    out.close();
    // A file system that allocates in advance may use 64 KiB more.
    expect(statSync(copy).blocks).toBeLessThanOrEqual(statSync(path).blocks + 128);
  });

  test("set the output's offset to their end for the next write", () => {
    const path = sparseFile(page(), MIB);
    const { out, path: copy } = toNewFile();
    for (let time = 0; time < 2; time++) {
      copyToFd(owned(openPath(path, O_RDONLY)), out.number);
      writeSync(out.number, "next");
    }
    const once = Buffer.concat([readFileSync(path), Buffer.from("next")]);
    expect(Buffer.compare(readFileSync(copy), Buffer.concat([once, once]))).toBe(0);
  });

  test("overwrite existing data with zeros and keep the rest", () => {
    const path = sparseFile(page(), MIB, page());
    const old = randomBytes(2 * MIB);
    for (const length of [0, 5_000, 4096 + MIB, 2 * MIB]) {
      const { out, path: copy } = toNewFile(old.subarray(0, length));
      copyToFd(owned(openPath(path, O_RDONLY)), out.number);
      const content = readFileSync(path);
      const expected = Buffer.concat([content, old.subarray(content.length, Math.max(length, content.length))]);
      expect(Buffer.compare(readFileSync(copy), expected)).toBe(0);
    }
  });

  test("are copied up to the end of the copied part", () => {
    const path = sparseFile(MIB, page(), MIB);
    const { out, path: copy } = toNewFile();
    const offset = 1000;
    out.close();
    for (const length of [500, MIB, MIB + 5000]) {
      truncateSync(copy, 0);
      const next = owned(openPath(copy, O_RDWR));
      const part = { offset: BigInt(offset), length: BigInt(length) };
      expect(copyToFd(owned(openPath(path, O_RDONLY)), next.number, part)).toBe(BigInt(length));
      const expected = readFileSync(path).subarray(offset, offset + length);
      expect(Buffer.compare(readFileSync(copy), expected)).toBe(0);
    }
  });

  test("grow and shrink with the file while it is copied", () => {
    const path = sparseFile(page(), MIB, page());
    const { out, path: copy } = toNewFile();
    let grown = false;
    copyToFd(owned(openPath(path, O_RDONLY)), out.number, {
      onProgress: () => {
        if (!grown) truncateSync(path, 3 * MIB);
        grown = true;
      },
    });
    expect(Buffer.compare(readFileSync(copy), readFileSync(path))).toBe(0);
    const { out: second, path: short } = toNewFile();
    copyToFd(owned(openPath(path, O_RDONLY)), second.number, { onProgress: () => truncateSync(path, 4096) });
    expect(Buffer.compare(readFileSync(short), readFileSync(path))).toBe(0);
  });

  test("do not move the offset of the source", () => {
    const from = owned(openPath(sparseFile(MIB, page(), MIB), O_RDONLY));
    const first = Buffer.alloc(10);
    readSync(from.number, first, 0, 10, null);
    copyToFd(from, toNewFile().out.number);
    const here = Buffer.alloc(8);
    expect(readSync(from.number, here, 0, 8, null)).toBe(8);
    expect(readFileSync(`/proc/self/fdinfo/${from.number}`, "latin1")).toMatch(/^pos:\t18$/m);
  });
});

/** Opens a file with this content for writing, at offset 0. */
function toNewFile(content: Buffer = Buffer.alloc(0)): { out: OwnedFd; path: string } {
  const path = join(temporaryDirectory(), "out");
  writeFileSync(path, content);
  return { out: owned(openPath(path, O_RDWR)), path };
}
