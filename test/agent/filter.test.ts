import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { encode } from "../../src/protocol/codec.ts";
import { Op } from "../../src/protocol/messages.ts";
import { type Agent, builds, bytes, drain, startAgent } from "../helpers/agent.ts";
import { repository } from "../helpers/paths.ts";
import { childrenOf, isRunning } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { expectTable } from "./filter-table.ts";

/**
 * Compiles test/fixtures/confined.c with the agent's own confinement; `undefined` if the compiler
 * is missing.
 */
function compile(compiler: string, more: string[] = []): string | undefined {
  const product = `${inject("machine").directory}/confined-${compiler}`;
  const parts = ["confine", "filter", "worker", "mounts", "log", "fdpass"].map(
    (name) => `${repository}agent/${name}.c`,
  );
  const flags = [
    "-std=c11",
    "-D_GNU_SOURCE",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Os",
    "-static",
    `-I${repository}agent`,
    ...more,
  ];
  const { status, stderr, error } = spawnSync(
    compiler,
    [...flags, "-o", product, `${repository}test/fixtures/confined.c`, ...parts],
    { encoding: "utf8" },
  );
  if (error) return undefined;
  if (status !== 0) throw new Error(`${compiler}: ${stderr}`);
  return product;
}

/**
 * Checks the outcome of each attempt of a program that {@link compile} made. The kernel decides
 * about a call through `int 0x80`. The filter ends the call with SIGSYS. A kernel without 32-bit
 * emulation has no such gate and ends it with SIGSEGV. The program also makes the call without the
 * filter, so SIGSEGV is accepted only if the kernel has no gate.
 */
function expectOutcomes(program: string, expected: Record<string, string>): void {
  const { stdout, stderr, status } = spawnSync(program, { encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
  const lines = stdout.trim().split("\n");
  const { foreign_unconfined, ...outcomes } = Object.fromEntries(lines.map((line) => line.split(" ")));
  expect(["success", "SIGSYS", "SIGSEGV"]).toContain(foreign_unconfined);
  expect(outcomes).toEqual({ ...expected, foreign: foreign_unconfined === "SIGSEGV" ? "SIGSEGV" : "SIGSYS" });
}

const names = (text: string) => text.trim().split(/\s+/);

/** Calls that the agent makes, with arguments that it does not use. */
const withOtherArguments = names(`
  socketpair_inet clone_namespace clone_thread setrlimit limit_of_another mmap_executable mprotect_executable prctl_dumpable prctl_keepcaps
  kill_group kill_all kill_stop fcntl_lease fcntl_owner
`);
const unknownToIt = names(`
  execve execveat socket_inet socket_unix socket_netlink connect bind ptrace_attach ptrace_traceme process_vm_readv process_vm_writev
  pidfd_open pidfd_getfd mount umount open_tree pivot_root chroot setns unshare clone3 bpf io_uring_setup userfaultfd perf_event_open keyctl
  add_key init_module kexec_load open_by_handle_at fanotify_init memfd_create capset setuid unlink rename chmod chown mknod mkdir
  ioctl reboot unknown
`);
const expected: Record<string, string> = {
  ...Object.fromEntries(withOtherArguments.map((name) => [name, "EPERM"])),
  ...Object.fromEntries(unknownToIt.map((name) => [name, "ENOSYS"])),
  ...(process.arch === "x64" && { x32: "SIGSYS" }),
  // The agent's own operations continue to work.
  own_kill: "SIGKILL",
  own_fork: "success",
  own_socketpair: "success",
  own_open: "success",
  own_pipe_size: "success",
  own_memory: "success",
};

describe("a process under the agent's confinement", () => {
  test.each(["cc", "musl-gcc"])("can make the agent's system calls and no others (%s)", (compiler) => {
    const program = compile(compiler);
    if (program === undefined) return expect(compiler).toBe("musl-gcc");
    expectOutcomes(program, expected);
  });

  test("is killed by a forbidden call in the build that detects calls missing from the list", () => {
    const strict = Object.entries(expected).map(([name, how]) => [name, /^E/.test(how) ? "SIGSYS" : how]);
    expectOutcomes(compile("cc", ["-DPORTHOLE_STRICT"]) ?? "", Object.fromEntries(strict));
  });
});

test.runIf(process.arch === "x64")(
  "the filter lists x86-64's numbers and kills a process that uses another table",
  () => {
    expectTable("x64", ["cc"], []);
  },
);

describe.each(builds)("the confined %s agent", (build) => {
  let agent: Agent;
  beforeAll(async () => {
    agent = await startAgent({ build, args: ["mount", "--target-pid", String(process.pid)] });
  });
  afterAll(() => agent.stop());

  const children = () => childrenOf(agent.pid);

  test("has its filter and its limits, also in its children", async () => {
    const session = await agent.session();
    for (const pid of [agent.pid, ...children()]) {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
      expect(status).toMatch(/^Seccomp:\t2$/m);
      const limits = readFileSync(`/proc/${pid}/limits`, "utf8");
      const none = ["core file size", "locked memory", "msgqueue size", "nice priority", "realtime priority"];
      for (const name of none) expect(limits).toMatch(new RegExp(`^Max ${name} +0 +0 `, "m"));
      expect(Number(/^Max open files +\d+ +(\d+)/m.exec(limits)?.[1])).toBeLessThanOrEqual(1024);
      if (build === "asan") continue;
      expect(limits).toMatch(/^Max file size +0 +unlimited /m);
      expect(limits).toMatch(/^Max address space +33554432 +33554432 /m);
      expect(limits).toMatch(/^Max data size +8388608 +8388608 /m);
    }
    session.close();
  });

  test("continues after SIGSTOP and SIGCONT during any wait", async () => {
    const session = await agent.session();
    // A child of an earlier session may be ending. It would stay a zombie, because a stopped agent
    // reaps no child.
    const [child] = await waitFor("one child", () => (children().length === 1 ? children() : false));
    const pids = [agent.pid, child as number];
    for (const signal of ["SIGSTOP", "SIGCONT"] as const) {
      for (const pid of pids) process.kill(pid, signal);
      for (const pid of pids)
        await waitFor(`${signal} to reach ${pid}`, () => {
          const state = /^State:\t(.)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
          return (state === "T") === (signal === "SIGSTOP");
        });
    }
    const version = await session.descriptor(Op.open, encode.open(0, 0n, bytes("/proc/version")));
    expect((await drain(version)).toString()).toMatch(/^Linux version/);
    (await agent.session()).close();
    session.close();
    expect(isRunning(agent.pid)).toBe(true);
  });
});
