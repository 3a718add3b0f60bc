import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { encode } from "../../src/protocol/codec.ts";
import { decodeFileStat } from "../../src/protocol/file-stat.ts";
import { Op, OpenFlag, ProcessesFlag } from "../../src/protocol/messages.ts";
import type { ProcessFileRecord, ProcessRecord } from "../../src/protocol/records.ts";
import { type Agent, builds, drain, type RawSession, startAgent } from "../helpers/agent.ts";
import { describeAsRoot } from "../helpers/availability.ts";
import { type Sandbox, sandbox } from "../helpers/namespaces.ts";
import { workloadReady } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

describe.each(builds)("processes, by the %s agent", (build) => {
  let target: Sandbox;
  let agent: Agent;
  let session: RawSession;

  beforeEach(async () => {
    const steps = ["write", "/log", "gone, yet open", "hold", "/log", "remove", "/log", "log", "/other", "50", "0"];
    target = await sandbox({ steps: ["tmpfs", "/tmp", ...steps] });
    agent = await startAgent({ build, args: ["direct", "--target-pid", String(target.pid), "--join-user-ns"] });
    session = await agent.session();
  });
  afterEach(async () => {
    session.close();
    await agent.stop();
    await target.stop();
  });

  const list = async (flags: number) => {
    const { records, error } = await session.records(Op.processes, encode.processes(flags));
    expect(error).toBe(0);
    return records as (ProcessRecord | ProcessFileRecord)[];
  };
  const heldFile = async () => {
    const records = await list(ProcessesFlag.files);
    const file = records.find((record) => record.kind === "file" && text(record.link).endsWith("/log (deleted)"));
    if (file?.kind !== "file") throw new Error("the held file is not listed");
    return file;
  };

  test("are the target's, with the numbers of its PID namespace", async () => {
    const processes = (await list(0)) as ProcessRecord[];
    const outside = readFileSync(`/proc/${target.pid}/stat`, "latin1")
      .replace(/^.*\) /s, "")
      .split(" ");
    expect(processes.map(({ pid, parent, uid, error }) => ({ pid, parent, uid, error }))).toEqual([
      { pid: 1, parent: 0, uid: 0, error: 0 },
      { pid: expect.any(Number), parent: 1, uid: 0, error: 0 },
    ]);
    expect(processes.map(({ command }) => text(command))).toEqual(["ready", "worker"]);
    expect(processes[0]?.start).toBe(BigInt(outside[19] ?? 0));
    expect(text(processes[0]?.arguments ?? new Uint8Array())).toMatch(/^\/workload\0tmpfs\0\/tmp\0write\0/);
  });

  test("are listed with their open files, including deleted files", async () => {
    const file = await heldFile();
    expect(file.stat.links).toBe(0);
    expect(file.stat.size).toBe(15n);
    expect(file.position).toBe(0n);
    expect(file.flags & 3).toBe(0);
  });

  test("can be used to reopen a deleted file that they have open", async () => {
    const { fd } = await heldFile();
    const reply = await session.must(Op.openProcessFd, encode.openProcessFd(0, 1, fd, 0n));
    expect(decodeFileStat(reply.body)).toMatchObject({ links: 0, relayed: false });
    const [held] = reply.descriptors;
    if (!held) throw new Error("no descriptor");
    expect((await drain(held)).toString()).toBe("gone, yet open\n");
    const writable = await session.descriptor(Op.openProcessFd, encode.openProcessFd(OpenFlag.write, 1, fd, 0n));
    writeFileSync(writable.number, "G");
    writable.close();
    const again = await session.descriptor(Op.openProcessFd, encode.openProcessFd(0, 1, fd, 0n));
    expect((await drain(again)).toString()).toBe("Gone, yet open\n");
  });

  test("outside of the target cannot be reached", async () => {
    const failure = (pid: number, fd: number) =>
      session.failure(Op.openProcessFd, encode.openProcessFd(0, pid, fd, 0n));
    expect(await failure(process.pid, 0)).toBe("ESRCH");
    expect(await failure(target.pid, 0)).toBe("ESRCH");
    expect(await failure(0, 0)).toBe("ESRCH");
    expect(await failure(0xffff_ffff, 0)).toBe("ESRCH");
    expect(await failure(1, 9_999)).toBe("EBADF");
    expect(await failure(1, 0xffff_ffff)).toBe("EBADF");
  });
});

describeAsRoot("a process with 4,000 groups", () => {
  test("is listed by its number in the namespace", async () => {
    const target = await sandbox({ userNamespace: false });
    const groups = Array.from({ length: 4_000 }, (_, n) => 1_000_000 + n).join(",");
    const enter = [
      "nsenter",
      "--target",
      String(target.pid),
      "--mount",
      "--pid",
      "--root",
      "--wd=/",
      "--",
      "/workload",
    ];
    const child = spawn("setpriv", ["--groups", groups, "--", ...enter], { stdio: "ignore" });
    const agent = await startAgent({ args: ["direct", "--target-pid", String(target.pid)] });
    const session = await agent.session();
    const processes = await waitFor("both processes to be ready", async () => {
      const records = (await session.records(Op.processes, encode.processes(0))).records as ProcessRecord[];
      return records.every(({ command }) => text(command) === "ready") && records.length === 2 && records;
    });
    expect(processes.map(({ pid }) => pid < 100)).toEqual([true, true]);
    session.close();
    await agent.stop();
    await target.stop();
    child.kill();
  });
});

describeAsRoot("a target in the host's PID namespace", () => {
  test("shows only its own processes, by the numbers of the host", async () => {
    const child = spawn("unshare", ["--mount", "--", inject("machine").workload], { stdio: "ignore" });
    const pid = child.pid ?? 0;
    await workloadReady(pid);
    const agent = await startAgent({ args: ["direct", "--target-pid", String(pid)] });
    const session = await agent.session();
    const { records } = await session.records(Op.processes, encode.processes(0));
    expect(records.map((record) => record.kind === "process" && record.pid)).toEqual([pid]);
    const open = (of: number) => session.failure(Op.openProcessFd, encode.openProcessFd(0, of, 0, 0n));
    expect(await open(pid)).toBe("success");
    expect(await open(process.pid)).toBe("ESRCH");
    session.close();
    await agent.stop();
    child.kill();
  });
});

test("route mount lists all processes except the agent's; a socket is ENXIO", async () => {
  const agent = await startAgent({ args: ["mount", "--target-pid", String(process.pid)] });
  const session = await agent.session();
  const { records } = await session.records(Op.processes, encode.processes(0));
  const pids = (records as ProcessRecord[]).map(({ pid }) => pid);
  expect(pids).toContain(process.pid);
  expect(pids).not.toContain(agent.pid);
  expect((records as ProcessRecord[]).filter(({ parent }) => parent === agent.pid)).toEqual([]);
  const open = (fd: number) => session.failure(Op.openProcessFd, encode.openProcessFd(0, process.pid, fd, 0n));
  expect(await open(session.socket.fd.number)).toBe("ENXIO");
  const file = openSync("/proc/self/comm", "r");
  expect(await open(file)).toBe("success");
  closeSync(file);
  session.close();
  await agent.stop();
});
