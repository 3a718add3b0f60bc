import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { pumpToFd } from "../../src/descriptors/bytes/transfer.ts";
import { mkfifo, openPath, setNonBlocking } from "../../src/descriptors/files/file.ts";
import type { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import { readable } from "../../src/descriptors/poll.ts";
import { isWritable } from "../../src/descriptors/ready.ts";
import { socketpair } from "../../src/descriptors/sockets/fd-socket.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { newPipe, owned, temporaryDirectory } from "./fixtures.ts";

const { O_APPEND, O_CREAT, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;
const failure = (code: string, errno: string) => expect.objectContaining({ code, errno });

/** Makes a FIFO and opens its read end as the agent does. It has no writer yet. */
function newFifo(): { path: string; fd: OwnedFd } {
  const path = join(temporaryDirectory(), "fifo");
  mkfifo(path);
  return { path, fd: owned(openPath(path, O_RDONLY | O_NONBLOCK)) };
}

function newOutput(flags = 0): { out: OwnedFd; content: () => Buffer } {
  const path = join(temporaryDirectory(), "out");
  return { out: owned(openPath(path, O_RDWR | O_CREAT | flags)), content: () => readFileSync(path) };
}

function run(command: string, ...stdio: (number | "ignore")[]): ChildProcess {
  const child = spawn("sh", ["-c", command], { stdio });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

function exited(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.on("exit", resolve));
}

function randomFile(size: number): { path: string; bytes: Buffer } {
  const path = join(temporaryDirectory(), "random");
  const bytes = randomBytes(size);
  writeFileSync(path, bytes);
  return { path, bytes };
}

for (const [name, flags] of [
  ["a file (spliced)", 0],
  ["a file opened to append (which refuses splice)", O_APPEND],
] as const)
  test(`a FIFO to ${name}: waits for a writer, ends with the last writer, keeps every byte`, async () => {
    const { path, fd } = newFifo();
    const { out, content } = newOutput(flags);
    const { path: random, bytes } = randomFile(3_000_001);
    run(`cat '${random}' > '${path}'`, "ignore");
    const told: bigint[] = [];
    expect(await pumpToFd(fd, out.number, { onProgress: (copied) => told.push(copied) })).toBe(3_000_001n);
    expect(told).toEqual([...new Set(told)].sort((a, b) => Number(a - b)));
    expect(told.at(-1)).toBe(3_000_001n);
    expect(Buffer.compare(content(), bytes)).toBe(0);
  });

test("the fallback for an output that refuses splice closes everything", async () => {
  const [source, inlet] = newPipe();
  writeSync(inlet.number, "all of it");
  inlet.close();
  const { out, content } = newOutput(O_APPEND);
  const before = openPipes();
  expect(await pumpToFd(source, out.number)).toBe(9n);
  // Compares the pipes instead of their number: Node may still be closing processes of earlier
  // tests.
  expect(openPipes().filter((link) => !before.includes(link))).toEqual([]);
  expect(content().toString()).toBe("all of it");
});

test("the bytes of a FIFO pass as they are written", async () => {
  const { path, fd } = newFifo();
  const writer = openSync(path, "w");
  const [outlet, inlet] = newPipe();
  const pumping = pumpToFd(fd, inlet.number);
  const buffer = Buffer.alloc(100);
  for (const text of ["first", "second"]) {
    writeSync(writer, text);
    await readable(outlet, { timeoutMs: 10_000 });
    expect(buffer.toString("utf8", 0, readSync(outlet.number, buffer))).toBe(text);
  }
  closeSync(writer);
  expect(await pumping).toBe(11n);
});

test("a FIFO ends if its writer opens and closes it without writing", async () => {
  const { path, fd } = newFifo();
  const pumping = pumpToFd(fd, newOutput().out.number);
  closeSync(openSync(path, "w"));
  expect(await pumping).toBe(0n);
});

for (const nonBlocking of [false, true])
  test(`pipe to ${nonBlocking ? "non-blocking " : ""}pipe, the reader slower than the writer`, async () => {
    const [source, inlet] = newPipe();
    const [outlet, out] = newPipe();
    setNonBlocking(out, nonBlocking);
    const { path, bytes } = randomFile(2_000_003);
    const result = newOutput();
    run(`cat '${path}'`, "ignore", inlet.number);
    inlet.close();
    const reader = run("dd bs=5000 2>/dev/null", outlet.number, result.out.number);
    outlet.close();
    const ended = exited(reader);
    expect(await pumpToFd(source, out.number)).toBe(2_000_003n);
    out.close();
    expect(await ended).toBe(0);
    expect(Buffer.compare(result.content(), bytes)).toBe(0);
  });

test("a socket is copied packet by packet to its end", async () => {
  const [a, b] = socketpair().map(owned);
  if (!a || !b) throw new Error();
  const { out, content } = newOutput();
  const pumping = pumpToFd(b, out.number);
  for (let i = 0; i < 10; i++) writeSync(a.number, `packet ${i}\n`);
  a.close();
  await pumping;
  expect(content().toString()).toBe(Array.from({ length: 10 }, (_, i) => `packet ${i}\n`).join(""));
});

test.each(["/dev/zero", "/dev/urandom", "/dev/full"])(
  "%s | head -c: ends when the reader has enough",
  async (device) => {
    const [outlet, out] = newPipe();
    const result = newOutput();
    const reader = run("head -c 1000000", outlet.number, result.out.number);
    outlet.close();
    const ended = exited(reader);
    const source = owned(openPath(device, O_RDONLY | O_NONBLOCK));
    await expect(pumpToFd(source, out.number)).rejects.toThrow(failure("FILE", "EPIPE"));
    expect(await ended).toBe(0);
    expect(result.content()).toHaveLength(1_000_000);
    if (device !== "/dev/urandom") expect(result.content().every((byte) => byte === 0)).toBe(true);
  },
);

test("a full output device is ENOSPC", async () => {
  const [source, inlet] = newPipe();
  writeSync(inlet.number, "x");
  const full = owned(openPath("/dev/full", O_WRONLY));
  await expect(pumpToFd(source, full.number)).rejects.toThrow(failure("FILE", "ENOSPC"));
  const zero = owned(openPath("/dev/zero", O_RDONLY));
  await expect(pumpToFd(zero, full.number)).rejects.toThrow(failure("FILE", "ENOSPC"));
});

test("a closed output is EPIPE immediately, even while the source is idle", async () => {
  const { path, fd } = newFifo();
  const writer = openSync(path, "w");
  const [outlet, out] = newPipe();
  const pumping = pumpToFd(fd, out.number);
  outlet.close();
  await expect(pumping).rejects.toThrow(failure("FILE", "EPIPE"));
  closeSync(writer);
});

test("an abort ends a wait for a writer, a wait for a full output, and an endless device", async () => {
  const cancelled = failure("CANCELLED", "ECANCELED");

  const idle = new AbortController();
  const { fd } = newFifo();
  const waiting = pumpToFd(fd, newOutput().out.number, { signal: idle.signal });
  idle.abort();
  await expect(waiting).rejects.toThrow(cancelled);

  // A blocking output pipe without a reader: the abort arrives only if the event loop is not
  // blocked.
  for (const source of [fullPipe(), owned(openPath("/dev/zero", O_RDONLY))]) {
    const stuck = new AbortController();
    const [outlet, out] = newPipe();
    const pumping = pumpToFd(source, out.number, { signal: stuck.signal });
    await waitFor("the output to be full", () => !isWritable(out.number));
    stuck.abort();
    await expect(pumping).rejects.toThrow(cancelled);
    out.close();
    outlet.close();
  }

  const endless = new AbortController();
  const zero = owned(openPath("/dev/zero", O_RDONLY));
  const sink = owned(openPath("/dev/null", O_WRONLY));
  const pumping = pumpToFd(zero, sink.number, { signal: endless.signal });
  setTimeout(() => endless.abort(), 1);
  await expect(pumping).rejects.toThrow(cancelled);
});

test("the event loop never blocks, even if another process clears O_NONBLOCK and takes the bytes", async () => {
  const { path, fd } = newFifo();
  const writer = openSync(path, "w");
  const thief = owned(openPath(path, O_RDONLY | O_NONBLOCK));
  const { out, content } = newOutput(O_APPEND);
  const pumping = pumpToFd(fd, out.number);
  for (let i = 0; i < 50; i++) {
    setNonBlocking(fd, false); // the flag belongs to the open file, which the container shares
    writeSync(writer, "x");
    if (i % 2) readSync(thief.number, Buffer.alloc(1));
    await new Promise((resolve) => setImmediate(resolve));
  }
  closeSync(writer);
  expect(await pumping).toBe(BigInt(content().length));
  expect(content().toString()).toMatch(/^x{25,50}$/);
});

test("a terminal is copied to its end of file", async () => {
  // The line discipline echoes text that is written to the master of a new terminal.
  const master = owned(openPath("/dev/ptmx", O_RDWR | O_NONBLOCK | constants.O_NOCTTY));
  const controller = new AbortController();
  const [outlet, out] = newPipe();
  const pumping = pumpToFd(master, out.number, { signal: controller.signal });
  writeSync(master.number, "echo\n");
  const buffer = Buffer.alloc(100);
  // The kernel may deliver the bytes in parts.
  for (let length = 0; length < 6; ) {
    await readable(outlet, { timeoutMs: 60_000 });
    length += readSync(outlet.number, buffer, length, buffer.length - length, null);
  }
  expect(buffer.toString("utf8", 0, 6)).toBe("echo\r\n");
  controller.abort();
  await expect(pumping).rejects.toThrow(failure("CANCELLED", "ECANCELED"));
});

test("a source that cannot be read is an error", async () => {
  const out = newOutput().out.number;
  const closed = openPath("/dev/null", O_RDONLY);
  closed.close();
  await expect(pumpToFd(closed, out)).rejects.toThrow(failure("FILE", "EBADF"));
  await expect(pumpToFd(owned(openPath("/tmp", O_RDONLY)), out)).rejects.toThrow(failure("FILE", "EISDIR"));
  await expect(pumpToFd(owned(openPath("/dev/null", O_WRONLY)), out)).rejects.toThrow(failure("FILE", "EBADF"));
});

function fullPipe(): OwnedFd {
  const [outlet, inlet] = newPipe();
  run("exec cat /dev/zero", "ignore", inlet.number);
  inlet.close();
  return outlet;
}

/** Returns the link text of each pipe descriptor of this process: `pipe:[inode]`. */
function openPipes(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const link = readlinkSync(`/proc/self/fd/${fd}`);
      return link.startsWith("pipe:") ? [link] : [];
    } catch {
      return []; // the descriptor of the listing itself
    }
  });
}
