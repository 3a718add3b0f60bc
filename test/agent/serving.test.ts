import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { socketpair } from "../../src/descriptors/sockets/fd-socket.ts";
import { decodeAgentInfo } from "../../src/protocol/agent-info.ts";
import { encode, encodeMessage, encodeServe } from "../../src/protocol/codec.ts";
import { ByeScope, Op, VERSION } from "../../src/protocol/messages.ts";
import { type Agent, agentOf, builds, bytes, drain, nameOf, type RawSession, startAgent } from "../helpers/agent.ts";
import { describeAsRoot } from "../helpers/availability.ts";
import { amount, counted } from "../helpers/extent.ts";
import { asUser } from "../helpers/machine.ts";
import { type Sandbox, sandbox } from "../helpers/namespaces.ts";
import { childrenOf, descriptorCount, descriptorsNeeded, isRunning } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";

const MAX_CLIENTS = 64;
const MAX_WAITING = 64;

function startTime(pid: number): string {
  return (
    readFileSync(`/proc/${pid}/stat`, "latin1")
      .replace(/^.*\) /s, "")
      .split(" ")[19] ?? ""
  );
}

const openFile = encode.open(0, 0n, bytes("/workload"));

describe.each(builds)("the %s agent", (build) => {
  let target: Sandbox;
  const agents: Agent[] = [];
  const start = async (...args: string[]) => {
    const agent = await startAgent({
      build,
      args: ["direct", "--target-pid", String(target.pid), "--join-user-ns", ...args],
    });
    agents.push(agent);
    return agent;
  };
  /** Starts an agent with a limit of open files, as prlimit(1) takes it. */
  const startLimited = async (nofile: string) => {
    const through = ["prlimit", `--nofile=${nofile}`, "--", agentOf(build)];
    const agent = await startAgent({ through, args: ["direct", "--target-pid", String(target.pid)] });
    agents.push(agent);
    return agent;
  };

  beforeEach(async () => {
    target = await sandbox({ steps: ["write", "/file", "content"] });
  });
  afterEach(async () => {
    for (const agent of agents.splice(0)) await agent.stop();
    await target.stop();
  });

  test("ends by SIGTERM, also if its starter ignores that signal", async () => {
    const through = ["/bin/sh", "-c", "trap '' TERM CHLD; exec \"$@\"", "sh", agentOf(build)];
    const args = ["direct", "--target-pid", String(target.pid), "--join-user-ns", "--idle", "3600"];
    const agent = await startAgent({ build, through, args });
    const session = await agent.session();
    // Sends SIGTERM, and waits for the end.
    await agent.stop();
    expect(isRunning(agent.pid)).toBe(false);
    session.close();
  });

  test("identifies itself before and in a session", async () => {
    const agent = await start();
    const session = agent.connect();
    const info = decodeAgentInfo((await session.must(Op.hello, encode.hello())).body);
    expect(info).toMatchObject({
      version: VERSION,
      route: "direct",
      uid: 0,
      gid: 0,
      clients: 1,
      targetPid: target.pid,
    });
    expect(info.build).toMatch(/^[0-9a-f]{16}$/);
    expect(info.memory).toBeGreaterThan(0);
    expect(info.started).toBeGreaterThan(1_700_000_000);
    expect({ ...agent.announced, clients: 1, memory: info.memory }).toEqual(info);
    expect(agent.token).toEqual(new Uint8Array(32));
    session.close();
  });

  test("counts its clients, serves 64 at a time, refuses the next one and serves it if a slot is free", async () => {
    const agent = await start();
    const sessions: RawSession[] = [];
    for (let n = 1; n <= MAX_CLIENTS; n++) {
      const session = agent.connect();
      const { body } = await session.must(Op.hello, encode.hello());
      expect(decodeAgentInfo(body).clients).toBe(n);
      sessions.push(session);
    }
    expect(childrenOf(agent.pid)).toHaveLength(MAX_CLIENTS);
    const refused = agent.connect();
    const refusal = refused.request(Op.hello, encode.hello());
    for (const session of sessions) await session.must(Op.stat, encode.stat(0, bytes("/file")));
    const { error, body } = await refusal;
    expect([nameOf(error), decodeAgentInfo(body).clients]).toEqual(["EUSERS", MAX_CLIENTS]);
    expect(await refused.receive()).toBe("end");
    refused.close();
    expect(childrenOf(agent.pid)).toHaveLength(MAX_CLIENTS);
    const gone = agent.connect();
    const late = agent.connect();
    const answer = late.must(Op.hello, encode.hello());
    gone.close();
    sessions.pop()?.close();
    await answer;
    for (const session of [...sessions, late]) session.close();
    await waitFor("the children to end", () => childrenOf(agent.pid).length === 0);
  });

  test("holds 64 waiting clients, and refuses the one that waits longest if another comes", async () => {
    const agent = await start();
    const served = await Promise.all(Array.from({ length: MAX_CLIENTS }, () => agent.session()));
    const silent = agent.connect();
    const more: RawSession[] = [];
    const answers = Array.from({ length: MAX_WAITING }, () => {
      const session = agent.connect();
      more.push(session);
      return session.request(Op.hello, encode.hello());
    });
    const first = await Promise.race(answers.map(async (answer, index) => ({ index, error: (await answer).error })));
    expect([first.index, nameOf(first.error)]).toEqual([0, "EUSERS"]);
    for (const { error } of await Promise.all(answers)) expect(nameOf(error)).toBe("EUSERS");
    const greeting = silent.must(Op.hello, encode.hello());
    for (const session of [...served, ...more]) session.close();
    await greeting;
    silent.close();
    await waitFor("the children to end", () => childrenOf(agent.pid).length === 0);
    (await agent.session()).close();
  });

  test("serves 64 clients with a limit of 12 open files, and others when those have left", async () => {
    const agent = await startLimited("12");
    for (let round = 0; round < 2; round++) {
      const all = await Promise.all(Array.from({ length: 64 }, () => agent.session()));
      for (const session of all) await session.must(Op.stat, encode.stat(0, bytes("/file")));
      for (const session of all) session.close();
      await waitFor("the children to end", () => childrenOf(agent.pid).length === 0);
    }
  });

  test("raises the limit of open files that its starter happened to have", async () => {
    const agent = await startLimited("12:500");
    expect(readFileSync(`/proc/${agent.pid}/limits`, "latin1")).toMatch(/^Max open files +500 +500 /m);
    for (const session of await Promise.all(Array.from({ length: 30 }, () => agent.session()))) session.close();
  });

  test("answers requests in order, 32 of them sent before the first answer is read", async () => {
    const session = await (await start()).session();
    const sent = Array.from({ length: 32 }, () => session.send(Op.open, openFile));
    for (const id of sent) {
      const reply = await session.receive();
      if (reply === "end") throw new Error("the session ended");
      expect([reply.id, reply.error, reply.descriptors.length]).toEqual([id, 0, 1]);
      for (const fd of reply.descriptors) fd.close();
    }
    session.close();
  });

  const rounds = build === "release" ? amount(10_000, 2_000) : amount(1_000, 500);
  test(`keeps no descriptor after ${counted(rounds)} opens, errors and stats`, async () => {
    const agent = await start();
    const session = await agent.session();
    const [child = 0] = childrenOf(agent.pid);
    const round = async () => {
      (await session.descriptor(Op.open, openFile)).close();
      await session.failure(Op.open, encode.open(0, 0n, bytes("/nothing")));
      await session.must(Op.stat, encode.stat(0, bytes("/file")));
    };
    await round();
    await drain(await session.descriptor(Op.list, encode.list(1, bytes("/"))));
    const needed = () => descriptorsNeeded(child, () => session.failure(Op.stat, encode.stat(0, bytes("/file"))));
    const before = await needed();
    const ours = descriptorCount();
    for (let n = 0; n < rounds; n++) await round();
    for (let n = 0; n < 100; n++) await drain(await session.descriptor(Op.list, encode.list(1, bytes("/"))));
    expect(await needed()).toBe(before);
    await waitFor("our descriptors to be closed", () => descriptorCount() <= ours);
    session.close();
  });

  test("ends when it is idle, but not while a client is connected", async () => {
    const agent = await start("--idle", "3");
    const session = await agent.session();
    const over = agent.ended.then(() => "ended");
    const stays = new Promise((resolve) => setTimeout(() => resolve("stayed"), 3500)); // longer than the idle time, to which it must not react
    expect(await Promise.race([over, stays])).toBe("stayed");
    session.close();
    expect(await agent.ended).toEqual({ status: 0, signal: null, words: "" });
  });

  test("ends with its target, together with its clients", async () => {
    const agent = await start();
    const session = await agent.session();
    const children = childrenOf(agent.pid);
    await target.stop();
    expect(await session.receive()).toBe("end");
    expect((await agent.ended).status).toBe(0);
    expect(children.filter(isRunning)).toEqual([]);
  });

  test("opens no file of a dead target, even before the agent's first process notices the end", async () => {
    const agent = await start();
    const session = await agent.session();
    process.kill(agent.pid, "SIGSTOP");
    await target.stop();
    expect(await session.failure(Op.open, openFile)).toBe("ESRCH");
    expect(await session.failure(Op.list, encode.list(0, bytes("/")))).toBe("ESRCH");
    process.kill(agent.pid, "SIGCONT");
    expect((await agent.ended).status).toBe(0);
    session.close();
  });

  test("ends a session on BYE, and itself on BYE for the agent", async () => {
    const agent = await start();
    const [first, second] = [await agent.session(), await agent.session()];
    expect((await first.must(Op.bye, encode.bye(ByeScope.session))).body).toHaveLength(0);
    expect(await first.receive()).toBe("end");
    await second.must(Op.stat, encode.stat(0, bytes("/file")));
    await second.must(Op.bye, encode.bye(ByeScope.agent));
    expect(await second.receive()).toBe("end");
    expect((await agent.ended).status).toBe(0);
  });

  test("survives the death of a client's child", async () => {
    const agent = await start();
    const session = await agent.session();
    process.kill(childrenOf(agent.pid)[0] ?? 0, "SIGKILL");
    expect(await session.receive()).toBe("end");
    (await agent.session()).close();
  });

  test("kills a child that does not end after its client", async () => {
    const agent = await start();
    const session = await agent.session();
    const [child = 0] = childrenOf(agent.pid);
    process.kill(child, "SIGSTOP");
    session.close();
    await waitFor("the stopped child to be killed", () => !isRunning(child));
  });

  test("ends all its processes when it is killed", async () => {
    const agent = await start();
    const session = await agent.session();
    const unread = await session.descriptor(Op.list, encode.list(1, bytes("/proc")));
    const children = childrenOf(agent.pid);
    process.kill(agent.pid, "SIGKILL");
    await waitFor("its children to end", () => !children.some(isRunning));
    unread.close();
  });

  test("serves only the requested process, not another process with the same number", async () => {
    const agent = await start("--target-start", startTime(target.pid));
    (await agent.session()).close();
    await expect(start("--target-start", "1")).rejects.toThrow(/started at \d+, not at 1 \(its PID was reused\)/);
  });

  test("reports why a target cannot be entered", async () => {
    const args = (pid: number) => ["direct", "--target-pid", String(pid)];
    await expect(startAgent({ build, args: args(4_194_304) })).rejects.toThrow(
      "pidfd_open of process 4194304: No such process",
    );
    await expect(startAgent({ build, args: [...args(target.pid), "--root", "/nowhere"] })).rejects.toThrow(
      /^porthole-agent: root directory of process \d+, \/nowhere: No such file or directory$/,
    );
  });
});

describeAsRoot("an agent whose user has a limit of processes", () => {
  test("a client waits, and is refused if there is no process for it, until there is one", async () => {
    const uid = 64_903;
    const through = [...asUser(uid), "prlimit", "--nproc=1:64", "--", agentOf("release")];
    const agent = await startAgent({ through, args: ["mount", "--target-pid", String(process.pid)] });
    const refused = agent.connect();
    const { error, body } = await refused.request(Op.hello, encode.hello());
    expect([nameOf(error), decodeAgentInfo(body).clients]).toEqual(["EUSERS", 0]);
    const waiting = agent.connect();
    const answer = waiting.must(Op.hello, encode.hello());
    const [command = "", ...args] = [...asUser(uid), "prlimit", "--pid", String(agent.pid), "--nproc=64"];
    execFileSync(command, args);
    await answer;
    refused.close();
    waiting.close();
    await agent.stop();
  });
});

describe("an answer to ANNOUNCE other than SERVE with a listening socket", () => {
  const args = ["mount", "--target-pid", String(process.pid)];
  const word = (value: number) => Buffer.from(Uint32Array.of(value).buffer);

  test.each([
    ["nothing", undefined, 0, /it may have refused this agent\): Connection reset by peer/],
    ["no descriptor", encodeServe(), 0, /Protocol error/],
    ["two descriptors", encodeServe(), 2, /Protocol error/],
    ["a descriptor that does not listen", encodeServe(), 1, /is not a listening SEQPACKET socket/],
    ["another message", encodeMessage(Op.hello, 0, word(VERSION), 1), 1, /is not a SERVE message/],
    ["a request's id", encodeMessage(Op.serve, 1, word(VERSION), 1), 1, /is not a SERVE message/],
    [
      "bytes behind",
      encodeMessage(Op.serve, 0, Buffer.concat([word(VERSION), word(0)]), 1),
      1,
      /is not a SERVE message/,
    ],
    [
      "another version",
      encodeMessage(Op.serve, 0, word(7), 1),
      1,
      new RegExp(`protocol mismatch: the host has version 7, this agent ${VERSION}`),
    ],
  ])("%s ends the agent with one line", async (_, packet, count, line) => {
    const pair = socketpair();
    const serve: Parameters<typeof startAgent>[0]["serve"] = (rendezvous) => {
      if (packet) rendezvous.send(packet, pair.slice(0, count));
    };
    const agent = await startAgent({ build: "asan", args, serve });
    const { status, words } = await agent.ended;
    expect(status).toBe(1);
    expect(words).toMatch(line);
    expect(words.trimEnd()).not.toContain("\n");
    for (const end of pair) end.close();
    await agent.stop();
  });

  test("the agent returns the token in ANNOUNCE", async () => {
    const token = "00ff1234".repeat(8);
    const agent = await startAgent({ args: [...args, "--token-stdin"], input: `${token}\n` });
    expect(Buffer.from(agent.token).toString("hex")).toBe(token);
    await agent.stop();
  });
});
