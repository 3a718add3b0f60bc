import {
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { afterEach, beforeEach, expect, inject, onTestFinished, test } from "vitest";
import { procFile } from "../../src/descriptors/process.ts";
import { encode } from "../../src/protocol/codec.ts";
import { decodeFileStat } from "../../src/protocol/file-stat.ts";
import { ByeScope, Op } from "../../src/protocol/messages.ts";
import { bytes, drain, nameOf, startAgent } from "../helpers/agent.ts";
import { describeAsRoot, describeWith } from "../helpers/availability.ts";
import { asUser, CGROUP_DEVICES, ORDINARY_USER, unifiedCgroups } from "../helpers/machine.ts";
import { type Sandbox, sandbox } from "../helpers/namespaces.ts";
import { builtAgent } from "../helpers/paths.ts";
import { childrenOf, openFiles } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";

/** The number of recvmsg(2) at the start of /proc/PID/syscall. */
const RECVMSG = process.arch === "x64" ? "47 " : "212 ";
const KEPT = (1n << 1n) | (1n << 2n) | (1n << 19n); // DAC_OVERRIDE, DAC_READ_SEARCH, SYS_PTRACE

function status(pid: number, field: string): string {
  return new RegExp(`^${field}:\\s*(.*)$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";
}

function capabilities(pid: number): Record<string, bigint> {
  const sets = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];
  return Object.fromEntries(sets.map((set) => [set, BigInt(`0x${status(pid, set)}`)]));
}

describeAsRoot("the agent drops", () => {
  let target: Sandbox;
  beforeEach(async () => {
    target = await sandbox({ steps: ["write", "/file", "content"] });
  });
  afterEach(() => target.stop());

  test.each([[[]], [["--join-user-ns"]]])("every capability that its route does not need, %j", async (more) => {
    const agent = await startAgent({ args: ["direct", "--target-pid", String(target.pid), ...more] });
    expect(capabilities(agent.pid)).toEqual({ CapInh: 0n, CapPrm: KEPT, CapEff: KEPT, CapBnd: KEPT, CapAmb: 0n });
    expect(agent.announced.capabilities).toBe(KEPT);
    expect(status(agent.pid, "NoNewPrivs")).toBe("1");
    expect(status(agent.pid, "Umask")).toBe("0077");
    expect(readFileSync(`/proc/${agent.pid}/limits`, "utf8")).toMatch(/^Max core file size +0 +0 /m);
    expect(readlinkSync(`/proc/${agent.pid}/ns/pid`)).toBe(readlinkSync("/proc/self/ns/pid"));
    const user = more.length > 0 ? target.pid : process.pid;
    expect(readlinkSync(`/proc/${agent.pid}/ns/user`)).toBe(readlinkSync(`/proc/${user}/ns/user`));
    expect(agent.announced.userNamespace).toBe(statSync(`/proc/${user}/ns/user`, { bigint: true }).ino);
    expect(agent.announced.mountNamespace).toBe(statSync(`/proc/${target.pid}/ns/mnt`, { bigint: true }).ino);
    await agent.stop();
  });

  test("every descriptor that it does not need, also in its children", async () => {
    const secret = openSync(`${target.root}/file`, "r");
    const agent = await startAgent({
      args: ["direct", "--target-pid", String(target.pid)],
      inherits: [secret, secret],
    });
    closeSync(secret);
    const session = await agent.session();
    const other = await agent.session();
    await session.must(Op.stat, encode.stat(0, bytes("/file")));
    const allowed = (sockets: number) => [
      ...["/dev/null", "/dev/null", "/dev/null", target.root, `/proc/${target.pid}`, "anon_inode:[pidfd]"],
      ...Array<string>(sockets).fill("socket"),
    ];
    const kinds = (pid: number) =>
      openFiles(pid)
        .map((link) => link.replace(/^socket:.*/, "socket"))
        .filter((link) => !link.endsWith("/mountinfo"))
        .sort();
    // The first process has the listener and its copies of two clients' sockets.
    expect(kinds(agent.pid)).toEqual([...allowed(3), "anon_inode:[signalfd]"].sort());
    const children = childrenOf(agent.pid);
    expect(children).toHaveLength(2);
    for (const child of children) expect(kinds(child)).toEqual(allowed(1).sort());
    session.close();
    other.close();
    await agent.stop();
  });

  test("its dumpable flag, and can still reopen files as an ordinary user", async () => {
    chmodSync(inject("machine").directory, 0o711);
    const own = `${inject("machine").directory}/readable`;
    const secret = `${inject("machine").directory}/secret`;
    writeFileSync(own, "for all\n");
    writeFileSync(secret, "for root\n", { mode: 0o600 });
    const agent = await startAgent({ uid: ORDINARY_USER, args: ["mount", "--target-pid", String(process.pid)] });
    expect(agent.announced).toMatchObject({ uid: ORDINARY_USER, gid: ORDINARY_USER, capabilities: 0n });
    expect(statSync(`/proc/${agent.pid}/environ`).uid).toBe(0);
    const session = await agent.session();
    expect((await drain(await session.descriptor(Op.open, encode.open(0, 0n, bytes(own))))).toString()).toBe(
      "for all\n",
    );
    expect(await session.failure(Op.open, encode.open(0, 0n, bytes(secret)))).toBe("EACCES");
    (await session.descriptor(Op.watch, encode.watch(0, 2, -1, bytes(own)))).close();
    const self = await session.failure(Op.openProcessFd, encode.openProcessFd(0, process.pid, 0, 0n));
    expect(self).toBe("EACCES");
    session.close();
    await agent.stop();
  });

  test("no session when descriptors cannot be sent: too many in flight are an errno", async () => {
    const { directory } = inject("machine");
    writeFileSync(`${directory}/readable`, "for all\n");
    const through = [...asUser(ORDINARY_USER), "prlimit", "--nofile=16", "--", builtAgent];
    const agent = await startAgent({ through, args: ["mount", "--target-pid", String(process.pid)] });
    const session = await agent.session();
    const request = encode.open(0, 0n, bytes(`${directory}/readable`));
    const sent = Array.from({ length: 30 }, () => session.send(Op.open, request));
    session.send(Op.stat, encode.stat(0, bytes("/")));
    // Receives nothing before the last request is answered: then the agent's process has read all
    // 31 requests.
    const [child] = childrenOf(agent.pid);
    await waitFor("the agent to wait for more", () =>
      readFileSync(`/proc/${child}/syscall`, "utf8").startsWith(RECVMSG),
    );
    const errors = new Set<string>();
    for (const _ of [...sent, "stat"]) {
      const reply = await session.receive();
      if (reply === "end") throw new Error("the session ended");
      errors.add(nameOf(reply.error));
      for (const fd of reply.descriptors) fd.close();
    }
    expect(errors).toEqual(new Set(["success", "ETOOMANYREFS"]));
    (await session.descriptor(Op.open, request)).close();
    session.close();
    await agent.stop();
  });

  test("an open while another session has too many descriptors in flight, as soon as they have arrived", async () => {
    const { directory } = inject("machine");
    writeFileSync(`${directory}/readable`, "for all\n");
    const through = [...asUser(ORDINARY_USER), "prlimit", "--nofile=16", "--", builtAgent];
    const agent = await startAgent({ through, args: ["mount", "--target-pid", String(process.pid)] });
    const [holder, session, other] = [await agent.session(), await agent.session(), await agent.session()];
    const request = encode.open(0, 0n, bytes(`${directory}/readable`));
    for (let sent = 0; sent < 17; sent++) holder.send(Op.open, request);
    const sockets = () => readdirSync("/proc/self/fdinfo").map((fd) => procFile("self", `fdinfo/${fd}`));
    await waitFor("17 descriptors in flight", () => sockets().some((text) => /^scm_fds: 17$/m.test(text)));
    session.send(Op.open, request);
    await other.must(Op.stat, encode.stat(0, bytes("/")));
    holder.close();
    const reply = await session.receive();
    if (reply === "end") throw new Error("the session ended");
    expect(nameOf(reply.error)).toBe("success");
    for (const fd of reply.descriptors) fd.close();
    session.close();
    other.close();
    await agent.stop();
  });

  test("no access of a sidecar to the target's root and process numbers", async () => {
    const whole = await sandbox({ userNamespace: false, steps: ["tmpfs", "/tmp", "write", "/tmp/note", "inside"] });
    const through = [
      "nsenter",
      "--target",
      String(whole.pid),
      "--pid",
      "--",
      "unshare",
      "--mount",
      "--mount-proc",
      builtAgent,
    ];
    const agent = await startAgent({ through, args: ["sidecar", "--target-pid", "1"] });
    const session = await agent.session();
    expect(agent.announced).toMatchObject({ route: "sidecar", targetPid: 1, capabilities: KEPT });
    const note = await session.descriptor(Op.open, encode.open(0, 0n, bytes("/tmp/note")));
    expect((await drain(note)).toString()).toBe("inside\n");
    const { records } = await session.records(Op.processes, encode.processes(0));
    expect(records.map((record) => record.kind === "process" && record.pid)).toEqual([1]);
    await session.must(Op.bye, encode.bye(ByeScope.agent));
    session.close();
    await agent.stop();
    await whole.stop();
  });

  test("nothing that route mount needs in a container without /dev/null", async () => {
    copyFileSync(builtAgent, `${target.root}/agent`);
    const through = [
      "nsenter",
      "--target",
      String(target.pid),
      ...["--user", "--mount", "--pid", "--root", "--wd=/", "--"],
    ];
    const agent = await startAgent({ through, args: ["/agent", "mount"] });
    const session = await agent.session();
    const text = async (path: string) =>
      (await drain(await session.descriptor(Op.open, encode.open(0, 0n, bytes(path))))).toString();
    expect(await text("/file")).toBe("content\n");
    expect(await text("/proc/1/comm")).toBe("ready\n");
    expect(agent.announced).toMatchObject({ route: "mount", targetPid: 1 });
    expect(agent.pid).toBeLessThan(100);
    await session.must(Op.bye, encode.bye(ByeScope.agent));
    expect((await agent.ended).status).toBe(0);
    session.close();
    await agent.stop();
  });
});

describeWith(["root", "userNamespaces"], "an ordinary user's agent", () => {
  test("enters that user's own namespaces and has permissions only in them", async () => {
    const target = await sandbox({ uid: ORDINARY_USER, steps: ["tmpfs", "/tmp", "write", "/tmp/note", "mine"] });
    const args = ["direct", "--target-pid", String(target.pid), "--join-user-ns", "--device-cgroup"];
    const agent = await startAgent({ uid: ORDINARY_USER, args });
    expect(agent.announced).toMatchObject({ uid: 0, capabilities: KEPT });
    expect(status(agent.pid, "Uid")).toMatch(new RegExp(`^${ORDINARY_USER}\t`));
    const session = await agent.session();
    const note = await session.must(Op.open, encode.open(0, 0n, bytes("/tmp/note")));
    expect(decodeFileStat(note.body).relayed).toBe(false);
    expect((await drain(note.descriptors[0] ?? expect.fail())).toString()).toBe("mine\n");
    session.close();
    await agent.stop();
    await target.stop();
  });

  test("cannot enter another user's namespaces", async () => {
    const target = await sandbox({ uid: ORDINARY_USER + 1 });
    const args = ["direct", "--target-pid", String(target.pid), "--join-user-ns"];
    await expect(startAgent({ uid: ORDINARY_USER, args })).rejects.toThrow(
      /^porthole-agent: user namespace of process \d+: Permission denied$/,
    );
    await target.stop();
  });
});

describeWith(["root", "cgroups"], "device rules on route direct", () => {
  test("do not hang on a frozen container: the open fails, and no process stays in its cgroup", async () => {
    const target = await sandbox({ userNamespace: false, steps: ["node", "/dev/null", "1", "3"] });
    const cgroup = `${unifiedCgroups()}/porthole-test-${process.pid}`;
    mkdirSync(cgroup);
    onTestFinished(() => rmdirSync(cgroup));
    onTestFinished(() => target.stop());
    writeFileSync(`${cgroup}/cgroup.procs`, String(target.pid));
    const agent = await startAgent({ args: ["direct", "--target-pid", String(target.pid), "--device-cgroup"] });
    const session = await agent.session();
    const open = (path: string) => session.failure(Op.open, encode.open(0, 0n, bytes(path)));
    expect(await open("/dev/null")).toBe("success");
    writeFileSync(`${cgroup}/cgroup.freeze`, "1");
    expect(await open("/dev/null")).toBe("ETIMEDOUT");
    expect(await open("/workload")).toBe("success");
    await waitFor(
      "the agent's worker to leave",
      () => readFileSync(`${cgroup}/cgroup.procs`, "utf8") === `${target.pid}\n`,
    );
    writeFileSync(`${cgroup}/cgroup.freeze`, "0");
    expect(await open("/dev/null")).toBe("success");
    session.close();
    await agent.stop();
  });
});

describeWith(["root", "cgroupDevices"], "device rules of cgroup v1 on route direct", () => {
  test("apply to the agent: it refuses a device node that the container may not open, and passes a permitted node", async () => {
    const steps = ["node", "/dev/zero", "1", "5", "node", "/dev/null", "1", "3", "node", "/dev/full", "1", "7"];
    const target = await sandbox({ userNamespace: false, steps });
    const cgroup = `${CGROUP_DEVICES}/porthole-test-${process.pid}`;
    mkdirSync(cgroup);
    onTestFinished(() => rmdirSync(cgroup));
    onTestFinished(() => target.stop());
    writeFileSync(`${cgroup}/devices.deny`, "a");
    writeFileSync(`${cgroup}/devices.allow`, "c 1:3 rw");
    writeFileSync(`${cgroup}/devices.allow`, "c 1:7 r");
    writeFileSync(`${cgroup}/cgroup.procs`, String(target.pid));
    const args = ["direct", "--target-pid", String(target.pid)];

    // Without the rules the same open succeeds. So the next check fails if the rules are not
    // applied.
    const careless = await startAgent({ args });
    const one = await careless.session();
    (await one.descriptor(Op.open, encode.open(0, 0n, bytes("/dev/zero")))).close();
    await careless.stop();

    for (const build of ["release", "asan"] as const) {
      const agent = await startAgent({ build, args: [...args, "--device-cgroup"] });
      const session = await agent.session();
      const open = (name: string, flags = 0) => session.failure(Op.open, encode.open(flags, 0n, bytes(`/dev/${name}`)));
      for (let n = 0; n < 40; n++) {
        expect(await open("zero")).toBe("EPERM");
        expect(await open("null")).toBe("success");
      }
      expect(await open("full")).toBe("success");
      expect(await open("full", 1)).toBe("EPERM");
      const { descriptors, body } = await session.must(Op.open, encode.open(1, 0n, bytes("/dev/null")));
      expect(decodeFileStat(body).rdev).toEqual({ major: 1, minor: 3 });
      for (const fd of descriptors) {
        expect(statSync(`/proc/self/fd/${fd.number}`).rdev).toBe(0x103);
        fd.close();
      }
      // Neither the agent nor its session has moved to another control group.
      expect(readFileSync(`/proc/${agent.pid}/cgroup`, "utf8")).toBe(readFileSync("/proc/self/cgroup", "utf8"));
      session.close();
      await agent.stop();
    }
  });
});
