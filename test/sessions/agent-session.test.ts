import { constants, readFileSync } from "node:fs";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { PortholeError } from "../../src/errors.ts";
import { connect } from "../../src/sessions/connect.ts";
import type { Session } from "../../src/sessions/interface/session.ts";
import { temporaryDirectory } from "../descriptors/fixtures.ts";
import { amount, counted } from "../helpers/extent.ts";
import { sandboxOfTests } from "../helpers/namespaces.ts";
import { descriptorCount, descriptorsNeeded, directAgents } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";

const target = sandboxOfTests({
  steps: ["write", "/tmp/file", "content", "dir", "/tmp/dir", "link", "file", "/tmp/link"],
});

async function session(options: { requestTimeoutMs?: number } = {}): Promise<Session> {
  vi.stubEnv("XDG_STATE_HOME", temporaryDirectory());
  const one = await connect(`pid:${target.pid}`, { idleSeconds: 3, ...options });
  onTestFinished(() => {
    one.close();
    vi.unstubAllEnvs();
  });
  return one;
}

/** Returns the agent's first process and the child that serves the session. */
function agentProcesses(): number[] {
  const { agents, sessions } = directAgents(target.pid);
  return [...agents, ...sessions];
}

test("an answer that arrived while this process was busy is valid, even if it is read late", async () => {
  const one = await session({ requestTimeoutMs: 200 });
  const [, child = 0] = await waitFor(
    "the agent and its child",
    () => agentProcesses().length === 2 && agentProcesses(),
  );
  // True if the agent has answered: it sleeps when idle, and is busy from the first request on.
  const hasAnswered = () => /^State:\tS/m.test(readFileSync(`/proc/${child}/status`, "latin1"));
  const opening = Promise.all(["/tmp/file", "/tmp/link", "/tmp/file"].map((path) => one.open(path)));
  const started = performance.now();
  while (performance.now() - started < 400 || !hasAnswered());
  for (const file of await opening) file.close();
  expect(one.ended).toBeUndefined();
});

describe("nothing leaks", () => {
  const opens = amount(100_000, 4_000);
  test(`in ${counted(opens)} opens on one session, concurrent or sequential, successful or failing`, async () => {
    const one = await session();
    const processes = await waitFor("the agent and its child", () => {
      const found = agentProcesses();
      return found.length === 2 && found;
    });
    const open = async (index: number) => {
      // Every tenth open fails: the path is missing, or leads through a file.
      const path = ["/tmp/none", "/tmp/file/x"][index % 20] ?? "/tmp/file";
      await one.open(path).then(
        (file) => file.close(),
        (error) => {
          if (index % 20 > 1) throw error;
        },
      );
    };
    const look = () =>
      one.stat("/tmp/file").then(
        () => "success",
        (error: PortholeError) => error.errno ?? error.message,
      );
    const needed = () => descriptorsNeeded(processes[1] ?? 0, look);
    await Promise.all(Array.from({ length: 64 }, (_, index) => open(index)));
    const before = await needed();
    const ours = descriptorCount();
    for (let at = 0; at < opens * 0.9; at += 100)
      await Promise.all(Array.from({ length: 100 }, (_, n) => open(at + n)));
    for (let at = opens * 0.9; at < opens; at++) await open(at);
    expect(await needed()).toBe(before);
    await waitFor("our descriptors to be closed", () => descriptorCount() <= ours);
    expect(one.ended).toBeUndefined();
  });

  test("in lists that are read completely, aborted, or fail", async () => {
    const one = await session();
    const run = async () => {
      for await (const entry of one.list("/tmp", { stat: true })) expect(entry.stat).toBeDefined();
      for await (const _ of one.list("/tmp")) break;
      for await (const _ of one.processes({ files: true })) break;
      await expect(one.list("/none")[Symbol.asyncIterator]().next()).rejects.toMatchObject({ errno: "ENOENT" });
    };
    await run();
    const before = descriptorCount();
    for (let turn = 0; turn < 50; turn++) await run();
    await waitFor("the descriptors to be closed", () => descriptorCount() <= before);
  });

  test("in sessions, used or not, and closed twice", async () => {
    const first = await session();
    const turn = async () => {
      const one = await connect(`pid:${target.pid}`);
      const removed = await one.watch("/tmp", 0x100, () => undefined);
      removed();
      one.close();
      one.close();
      expect(one.ended).toMatchObject({ code: "SESSION", message: expect.stringMatching(/: the session was closed$/) });
      await expect(one.open("/tmp/file")).rejects.toBe(one.ended);
    };
    await turn();
    const before = descriptorCount();
    for (let count = 0; count < 30; count++) await turn();
    await waitFor("the descriptors to be closed", () => descriptorCount() <= before);
    expect(first.ended).toBeUndefined();
  });
});

describe("a session", () => {
  test("knows its target, and opens, stats, lists and reads links in it", async () => {
    const one = await session();
    expect(one).toMatchObject({ name: `pid:${target.pid}`, route: "direct", fresh: true, ended: undefined });
    expect(one.agent).toMatchObject({ route: "direct", targetPid: target.pid });
    const file = await one.open("/tmp/link");
    expect([file.kind, file.size(), readFileSync(file.fd, "utf8")]).toEqual(["file", 8, "content\n"]);
    file.close();
    expect((await one.stat("/tmp/link")).inode).toBe((await one.stat("/tmp/file")).inode);
    expect((await one.stat("/tmp/link", { noFollow: true })).mode & constants.S_IFMT).toBe(constants.S_IFLNK);
    expect(await one.readlink("/tmp/link")).toBe("file");
    await expect(one.open("/tmp/link", { noFollow: true })).rejects.toMatchObject({ code: "FILE", errno: "ELOOP" });
    const names: string[] = [];
    for await (const { name } of one.list("/tmp")) names.push(name);
    expect(names.sort()).toEqual(["dir", "file", "link"]);
  });

  test("writes only on request, through the descriptor", async () => {
    const one = await session();
    const { writeSync } = await import("node:fs");
    const reading = await one.open("/tmp/file");
    expect(() => writeSync(reading.fd, "x")).toThrow(/EBADF/);
    reading.close();
    const writing = await one.open("/tmp/file", { write: true });
    writeSync(writing.fd, "C", 0);
    writing.close();
    expect(readFileSync(`${target.root}/tmp/file`, "utf8")).toBe("Content\n");
  });

  test("shortens a long path in its error, which names the target", async () => {
    const one = await session();
    const long = `/${"x".repeat(5000)}`;
    await expect(one.open(long)).rejects.toMatchObject({
      ...{ code: "FILE", errno: "ENAMETOOLONG" },
      message: expect.stringMatching(`^cannot open pid:${target.pid}:/x{299}\\.\\.\\.: .*File name too long`),
    });
    await expect(one.open("")).rejects.toMatchObject({ code: "FILE", errno: "ENOENT" });
    await expect(one.open("/a\0b")).rejects.toMatchObject({ code: "FILE", errno: "EINVAL" });
    expect(one.ended).toBeUndefined();
  });
});
