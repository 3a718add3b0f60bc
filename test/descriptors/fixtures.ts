import { constants, mkdtempSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { openPath, pipe } from "../../src/descriptors/files/file.ts";
import type { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import { FdSocket, type Packet, socketpair } from "../../src/descriptors/sockets/fd-socket.ts";
import { descriptorCount } from "../helpers/processes.ts";

/** Makes a directory that is removed after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "pd-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Closes the descriptor after the test. */
export function owned<T extends { close(): void }>(thing: T): T {
  onTestFinished(() => thing.close());
  return thing;
}

/** Makes a pipe: the end to read from, and the end to write to. */
export function newPipe(options?: { nonBlocking: boolean }): [OwnedFd, OwnedFd] {
  const [outlet, inlet] = pipe(options);
  return [owned(outlet), owned(inlet)];
}

/** Opens `count` files, each with its own number as content. */
export function numberedFiles(count: number): OwnedFd[] {
  const directory = temporaryDirectory();
  return Array.from({ length: count }, (_, index) => {
    const path = join(directory, String(index));
    writeFileSync(path, String(index));
    return owned(openPath(path, constants.O_RDONLY));
  });
}

/** Returns the contents of files from {@link numberedFiles}; closes them. */
export function numbersOf(descriptors: readonly OwnedFd[]): number[] {
  return descriptors.map((fd) => {
    const bytes = Buffer.alloc(16);
    const size = readSync(fd.number, bytes, 0, 16, 0);
    fd.close();
    return Number(bytes.toString("utf8", 0, size));
  });
}

/** Makes a raw sending socket, and a receiver that accepts `maxDescriptors`. */
export function connection(maxDescriptors: number, maxPacket?: number): { peer: OwnedFd; socket: FdSocket } {
  const [peer, mine] = socketpair();
  const options = maxPacket === undefined ? { maxDescriptors } : { maxDescriptors, maxPacket };
  return { peer: owned(peer), socket: owned(new FdSocket(mine, options)) };
}

export function packet(received: Packet | "again" | "end"): Packet {
  if (typeof received === "string") throw new Error(`expected a packet: ${received}`);
  return received;
}

/** Runs `act` and expects the same open descriptors before and after it. */
export function withoutLeak<T>(act: () => T): T {
  const before = descriptorCount();
  const result = act();
  expect(descriptorCount()).toBe(before);
  return result;
}
