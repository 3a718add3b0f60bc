import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { isAlive, openPidfd } from "../../src/descriptors/processes/pidfd.ts";

test("a number has a process only if a process, not a thread, has it now", () => {
  using self = openPidfd(process.pid);
  expect(self && isAlive(self)).toBe(true);
  // The kernel reuses the number of a process that has ended. pidfd_open(2) of a thread fails with
  // EINVAL, since Linux 6.16 with ENOENT.
  const threads = readdirSync("/proc/self/task").map(Number);
  expect(threads.length).toBeGreaterThan(1);
  for (const thread of threads.filter((id) => id !== process.pid)) expect(openPidfd(thread)).toBeUndefined();
  expect(openPidfd(2 ** 22 + 1)).toBeUndefined();
});
