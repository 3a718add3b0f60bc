import { spawnSync } from "node:child_process";
import { expect, inject } from "vitest";
import { repository } from "../helpers/paths.ts";

/**
 * The numbers of the calls of the list, from the kernel's tables
 * (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h).
 */
const numbers = {
  x64: {
    always: {
      ...{ read: 0, write: 1, open: 2, close: 3, fstat: 5, poll: 7, lseek: 8, munmap: 11, brk: 12, rt_sigaction: 13 },
      ...{ rt_sigprocmask: 14, rt_sigreturn: 15, pread64: 17, madvise: 28, nanosleep: 35, getpid: 39, sendmsg: 46 },
      ...{ recvmsg: 47, getsockopt: 55, fork: 57, exit: 60, wait4: 61, geteuid: 107, getegid: 108, getppid: 110 },
      ...{ fstatfs: 138, gettid: 186, getdents64: 217, restart_syscall: 219, clock_gettime: 228, clock_nanosleep: 230 },
      ...{
        exit_group: 231,
        inotify_add_watch: 254,
        inotify_rm_watch: 255,
        openat: 257,
        newfstatat: 262,
        readlinkat: 267,
      },
      ...{ ppoll: 271, set_robust_list: 273, accept4: 288, dup3: 292, pipe2: 293, inotify_init1: 294, statx: 332 },
      openat2: 437,
    },
    some: { mmap: 9, mprotect: 10, socketpair: 53, clone: 56, kill: 62, fcntl: 72, prctl: 157, prlimit64: 302 },
  },
  arm64: {
    always: {
      ...{
        dup3: 24,
        inotify_init1: 26,
        inotify_add_watch: 27,
        inotify_rm_watch: 28,
        fstatfs: 44,
        openat: 56,
        close: 57,
      },
      ...{ pipe2: 59, getdents64: 61, lseek: 62, read: 63, write: 64, pread64: 67, ppoll: 73, readlinkat: 78 },
      ...{
        newfstatat: 79,
        fstat: 80,
        exit: 93,
        exit_group: 94,
        set_robust_list: 99,
        nanosleep: 101,
        clock_gettime: 113,
      },
      ...{ clock_nanosleep: 115, restart_syscall: 128, rt_sigaction: 134, rt_sigprocmask: 135, rt_sigreturn: 139 },
      ...{ getpid: 172, getppid: 173, geteuid: 175, getegid: 177, gettid: 178, getsockopt: 209, sendmsg: 211 },
      ...{ recvmsg: 212, brk: 214, munmap: 215, madvise: 233, accept4: 242, wait4: 260, statx: 291, openat2: 437 },
    },
    some: { fcntl: 25, kill: 129, prctl: 167, socketpair: 199, clone: 220, mmap: 222, mprotect: 226, prlimit64: 261 },
  },
};

/** Compiles and runs test/fixtures/filter-table.c, and expects it to print these numbers. */
export function expectTable(arch: keyof typeof numbers, compiler: string[], run: string[]): void {
  const product = `${inject("machine").directory}/filter-table-${arch}`;
  const [command = "", ...flags] = [
    ...[...compiler, "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-static"],
    ...["-o", product, `${repository}test/fixtures/filter-table.c`],
  ];
  const compiled = spawnSync(command, flags, { encoding: "utf8" });
  expect([compiled.status, compiled.stderr]).toEqual([0, ""]);
  const [program = "", ...args] = [...run, product];
  const { status, stdout } = spawnSync(program, args, { encoding: "utf8" });
  const lines = stdout.trim().split("\n");
  const { always, some } = numbers[arch];
  const inOrder = (all: number[]) => all.sort((a, b) => a - b);
  expect(status).toBe(0);
  expect(lines.filter((line) => !line.endsWith(" some")).map(Number)).toEqual(inOrder(Object.values(always)));
  expect(lines.filter((line) => line.endsWith(" some")).map(Number.parseFloat)).toEqual(inOrder(Object.values(some)));
}
