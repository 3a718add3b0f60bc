import { constants, writeSync } from "node:fs";
import { expect, test } from "vitest";
import { tryRead } from "../../src/descriptors/bytes/try-read.ts";
import { mkfifo, openPath, pipe, setNonBlocking } from "../../src/descriptors/files/file.ts";
import { owned, temporaryDirectory } from "./fixtures.ts";

// A blocking read would hang the test. The sender of a descriptor shares its O_NONBLOCK and may
// have cleared it.

test("tryRead of a blocking pipe returns -1 while it is empty, then the data, then 0 at the end", () => {
  const [reading, writing] = pipe();
  owned(reading);
  const buffer = Buffer.alloc(16);
  expect(tryRead(reading, buffer)).toBe(-1);
  writeSync(writing.number, "abc");
  expect([tryRead(reading, buffer), buffer.toString("utf8", 0, 3)]).toEqual([3, "abc"]);
  expect(tryRead(reading, buffer)).toBe(-1);
  writing.close();
  expect(tryRead(reading, buffer)).toBe(0);
});

test("tryRead of a FIFO sets O_NONBLOCK for each read", () => {
  const path = `${temporaryDirectory()}/fifo`;
  mkfifo(path);
  const fifo = owned(openPath(path, constants.O_RDWR));
  const buffer = Buffer.alloc(16);
  for (let time = 0; time < 3; time++) {
    setNonBlocking(fifo, false);
    expect(tryRead(fifo, buffer)).toBe(-1);
  }
});

test("tryRead of an unreadable file is an error", () => {
  const directory = owned(openPath("/", constants.O_RDONLY | constants.O_DIRECTORY));
  expect(() => tryRead(directory, Buffer.alloc(16))).toThrow(
    expect.objectContaining({ code: "FILE", errno: "EISDIR" }),
  );
});
