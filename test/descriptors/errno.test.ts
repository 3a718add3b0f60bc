import { constants } from "node:os";
import koffi from "koffi";
import { expect, test } from "vitest";
import { Errno, errnoName, errnoText } from "../../src/descriptors/errno.ts";

test.each([
  [2, "ENOENT", "No such file or directory"],
  [11, "EAGAIN", "Resource temporarily unavailable"],
  [13, "EACCES", "Permission denied"],
  [35, "EDEADLK", "Resource deadlock avoided"],
  [40, "ELOOP", "Too many levels of symbolic links"],
  [95, "ENOTSUP", "Operation not supported"],
  [117, "EUCLEAN", "Structure needs cleaning"],
])("errno %i has the name %s and the text '%s'", (number, name, text) => {
  expect(errnoName(number)).toBe(name);
  expect(errnoText(number)).toBe(text);
});

test.each([0, 41, 58, 134, 4095])("errno %i has no name", (number) => {
  expect(errnoName(number)).toBe(`E${number}`);
});

const aliases = new Set(["EWOULDBLOCK", "EOPNOTSUPP", "EDEADLOCK"]);

test.each([
  ["Node", constants.errno],
  ["koffi", koffi.os.errno],
])("the table contains every name that %s defines", (_, known: Record<string, number>) => {
  const names = Object.entries(known).filter(([name]) => !aliases.has(name));
  expect(names.length).toBeGreaterThan(70);
  for (const [name, number] of names) expect(errnoName(number)).toBe(name);
});

test("the errno constants have the numbers of their names", () => {
  for (const [name, number] of Object.entries(Errno)) expect(errnoName(number)).toBe(name);
});
