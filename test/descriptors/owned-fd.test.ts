import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { expect, test } from "vitest";
import { openPath } from "../../src/descriptors/files/file.ts";
import { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import { owned, withoutLeak } from "./fixtures.ts";

const closed = expect.objectContaining({ code: "FILE", errno: "EBADF" });

test("close() closes the descriptor once", async () => {
  const fd = openPath("/dev/null", constants.O_RDONLY);
  const { number } = fd;
  fd.close();
  expect(() => fstatSync(number)).toThrow(/EBADF/);
  // The number now belongs to another descriptor.
  const other = openSync("/dev/null", "r");
  expect(other).toBe(number);
  fd.close();
  fd[Symbol.dispose]();
  await fd[Symbol.asyncDispose]();
  expect(fstatSync(other).isCharacterDevice()).toBe(true);
  closeSync(other);
  expect(fd.closed).toBe(true);
  expect(() => fd.number).toThrow(closed);
  expect(() => fd.take()).toThrow(closed);
  expect(() => fd.duplicate()).toThrow(closed);
});

test("take() gives up ownership", () => {
  const fd = openPath("/dev/null", constants.O_RDONLY);
  const taken = fd.take();
  fd.close();
  expect(fstatSync(taken).isCharacterDevice()).toBe(true);
  closeSync(taken);
});

test("a duplicate is independent and close-on-exec", () => {
  const fd = openPath("/dev/null", constants.O_RDONLY);
  const copy = owned(fd.duplicate());
  fd.close();
  expect(fstatSync(copy.number).isCharacterDevice()).toBe(true);
});

test("a second owner of the same number is an error", () => {
  const fd = openPath("/dev/null", constants.O_RDONLY);
  closeSync(fd.number);
  expect(() => fd.close()).toThrow(closed);
  expect(fd.closed).toBe(true);
});

test.each([-1, 1.5, Number.NaN])("%d is not a descriptor", (number) => {
  expect(() => OwnedFd.adopt(number)).toThrow(RangeError);
});

test("disposal closes the descriptor", async () => {
  await withoutLeak(async () => {
    await openPath("/dev/null", constants.O_RDONLY)[Symbol.asyncDispose]();
  });
});
