import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import type { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import { acceptFrom } from "../../src/descriptors/sockets/fd-socket.ts";
import type { AgentKey } from "../../src/routes/agents/agent-record.ts";
import {
  agentFile,
  agentFiles,
  connectLive,
  readRecord,
  removeAgentFiles,
  removeDeadAgent,
  socketIdentity,
  withAgentLock,
  writeRecord,
} from "../../src/routes/agents/registry.ts";
import { ensureRunDirectory, type RunDirectory } from "../../src/routes/run-directory/run-dir.ts";
import { temporaryDirectory } from "../descriptors/fixtures.ts";
import { bundleScript, outcome, start } from "../descriptors/run-script.ts";
import { descriptorCount } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { CONTAINER_ID as id, recordOf, registerAgent } from "./registered-agent.ts";

const web: AgentKey = {
  identity: id,
  generation: "2026-01-02T03:04:05.678901234Z",
  route: "mount",
  user: "",
};

function runDirectory(): RunDirectory {
  return ensureRunDirectory({ XDG_STATE_HOME: temporaryDirectory() });
}

/** Returns the index in `listeners` of the connected agent; undefined if no agent is connected. */
function reached(
  run: RunDirectory,
  query: Parameters<typeof connectLive>[1],
  listeners: OwnedFd[],
): number | undefined {
  const live = connectLive(run, query);
  if (live === undefined) return undefined;
  live.socket.close();
  return listeners.findIndex((listener) => {
    const peer = acceptFrom(listener);
    peer?.close();
    return peer !== undefined;
  });
}

describe("an agent's file name", () => {
  test("begins with its identity, differs for every property of an agent, and fits in a socket address", () => {
    expect(agentFile(web)).toBe("0123456789abcdef.mount..20260102T030405678901234Z");
    const others: AgentKey[] = [
      web,
      { ...web, identity: `f${id.slice(1)}` },
      { ...web, generation: "2026-01-02T03:04:05.678901235Z" },
      { ...web, route: "sidecar" },
      { ...web, user: "1000" },
      { ...web, user: "1000:1000" },
      { identity: "pid-7", generation: "12345 0a1b2c3d", route: "direct", user: "" },
    ];
    const names = others.map(agentFile);
    expect(new Set(names).size).toBe(names.length);
    const longest = agentFile({ ...web, route: "sidecar", generation: "9".repeat(99), user: "../".repeat(50) });
    expect(longest).toMatch(/^[0-9A-Za-z.-]{1,87}$/);
  });
});

describe("a record", () => {
  test("is read as it was written, by its owner only", () => {
    const run = runDirectory();
    writeRecord(run, recordOf(web));
    const file = agentFile(web);
    expect(readRecord(run, file)).toEqual(recordOf(web));
    expect(statSync(`${run.agents}/${file}.json`).mode & 0o777).toBe(0o600);
    expect(readdirSync(run.agents)).toEqual([`${file}.json`]);
  });

  test.each<[string, string | undefined]>([
    ["missing", undefined],
    ["empty", ""],
    ["half a record", '{"identity":"'],
    ["no object", "null"],
    ["another agent's", JSON.stringify(recordOf({ ...web, route: "sidecar" }))],
    ["no record", JSON.stringify({ identity: 7 })],
    ...[
      ...[{ targetPid: "7" }, { targetPid: -1 }, { targetPid: 1.5 }, { targetPid: 2 ** 32 }, { agentPid: null }],
      ...[{ agentStarted: 5 }, { sidecar: "../x" }, { sidecar: {} }, { engine: "tcp://elsewhere" }, { engine: 0 }],
      ...[{ name: [] }, { created: 1 }],
    ].map((wrong): [string, string] => [
      `one with ${JSON.stringify(wrong)}`,
      JSON.stringify({ ...recordOf(web), ...wrong }),
    ]),
  ])("that is %s is ignored", (_, text) => {
    const run = runDirectory();
    const file = agentFile(web);
    if (text !== undefined) writeFileSync(`${run.agents}/${file}.json`, text);
    expect(readRecord(run, file)).toBeUndefined();
  });

  test("is listed and removed together with its socket", () => {
    const run = runDirectory();
    registerAgent(run, web);
    writeRecord(run, recordOf({ ...web, route: "direct" }));
    writeFileSync(`${run.agents}/x.attach.lock`, "");
    const files = [agentFile({ ...web, route: "direct" }), agentFile(web)];
    expect(agentFiles(run)).toEqual(files);
    for (const file of files) removeAgentFiles(run, file);
    removeAgentFiles(run, "never-there");
    expect(readdirSync(run.agents)).toEqual(["x.attach.lock"]);
    rmSync(run.agents, { recursive: true });
    expect(agentFiles(run)).toEqual([]);
  });
});

describe("a running agent", () => {
  const query = { ...web, routes: ["direct", "mount", "sidecar"] as const };

  test("is found on the best available route", () => {
    const run = runDirectory();
    expect(connectLive(run, query)).toBeUndefined();
    const sidecar = registerAgent(run, { ...web, route: "sidecar" });
    expect(reached(run, query, [sidecar])).toBe(0);
    const mount = registerAgent(run, web);
    expect(reached(run, query, [sidecar, mount])).toBe(1);
    expect(reached(run, { ...query, routes: ["sidecar"] }, [sidecar, mount])).toBe(0);
    expect(reached(run, { ...query, routes: ["direct"] }, [sidecar, mount])).toBeUndefined();
  });

  test("is not found for another start of the container, another container or another user", () => {
    const run = runDirectory();
    const listener = registerAgent(run, web);
    expect(reached(run, { ...query, generation: "2026-01-02T09:00:00Z" }, [listener])).toBeUndefined();
    expect(reached(run, { ...query, identity: `f${id.slice(1)}` }, [listener])).toBeUndefined();
    expect(reached(run, { ...query, user: "1000" }, [listener])).toBeUndefined();
  });

  test("of a full id is found without its generation, but not by a prefix", () => {
    const run = runDirectory();
    const listener = registerAgent(run, web);
    const anyLife = { ...query, generation: undefined };
    expect(reached(run, anyLife, [listener])).toBe(0);
    expect(reached(run, { ...anyLife, identity: `${id.slice(0, -1)}0` }, [listener])).toBeUndefined();
    rmSync(`${run.agents}/${agentFile(web)}.json`);
    expect(reached(run, anyLife, [listener])).toBeUndefined();
  });

  test("of one user is never used for another user whose name has the same prefix", () => {
    const run = runDirectory();
    const [one, other] = ["application-reader", "application-writer"] as const;
    expect(agentFile({ ...web, user: one })).toBe(agentFile({ ...web, user: other }));
    const listener = registerAgent(run, { ...web, user: one });
    for (const generation of [web.generation, undefined]) {
      expect(reached(run, { ...query, generation, user: one }, [listener])).toBe(0);
      expect(reached(run, { ...query, generation, user: other }, [listener])).toBeUndefined();
    }
  });

  test("is found after a dead agent, whose files are kept because another command may use them", () => {
    const run = runDirectory();
    registerAgent(run, web).close();
    const sidecar = registerAgent(run, { ...web, route: "sidecar" });
    const before = descriptorCount();
    expect(reached(run, query, [sidecar])).toBe(0);
    expect(descriptorCount()).toBe(before);
    expect(existsSync(`${run.agents}/${agentFile(web)}.sock`)).toBe(true);
  });

  test("that has ended loses its files, and an agent that runs keeps them", async () => {
    const run = runDirectory();
    const listener = registerAgent(run, web);
    await removeDeadAgent(run, agentFile(web));
    expect(readdirSync(run.agents)).toHaveLength(2);
    listener.close();
    await removeDeadAgent(run, agentFile(web));
    expect(readdirSync(run.agents)).toEqual([]);
    writeRecord(run, recordOf(web));
    await removeDeadAgent(run, agentFile(web));
    expect(readdirSync(run.agents)).toEqual([]);
  });

  test("that is unusable loses its files, unless another agent has replaced it", async () => {
    const run = runDirectory();
    const old = registerAgent(run, web);
    const seen = connectLive(run, { ...web, routes: ["mount"] });
    seen?.socket.close();
    expect(seen?.socketSeen).toBe(socketIdentity(run, agentFile(web)));
    old.close();
    removeAgentFiles(run, agentFile(web));
    registerAgent(run, web);
    await removeDeadAgent(run, agentFile(web), seen?.socketSeen);
    expect(readdirSync(run.agents)).toHaveLength(2);
    await removeDeadAgent(run, agentFile(web), socketIdentity(run, agentFile(web)));
    expect(readdirSync(run.agents)).toEqual([]);
  });

  test("that is being started is waited for before its files are removed", async () => {
    const run = runDirectory();
    let removal: Promise<void> | undefined;
    await withAgentLock(run, id, { timeoutMs: 20_000 }, async () => {
      writeRecord(run, recordOf(web));
      removal = removeDeadAgent(run, agentFile(web));
      await new Promise((resolve) => setImmediate(resolve));
      registerAgent(run, web);
    });
    await removal;
    expect(readdirSync(run.agents)).toHaveLength(2);
  });

  test("whose socket is another type of file is an error, not a dead agent", async () => {
    const run = runDirectory();
    mkdirSync(`${run.agents}/${agentFile(web)}.sock`);
    // connect(2) also fails with ECONNREFUSED for a file that is not a socket. Such a file belongs
    // to no agent.
    await expect(removeDeadAgent(run, agentFile(web))).rejects.toThrow();
  });
});

describe("the lock", () => {
  const patience = { timeoutMs: 20_000 };

  test("is released after success and failure, with its file and descriptor", async () => {
    const run = runDirectory();
    const before = descriptorCount();
    expect(await withAgentLock(run, id, patience, async () => readdirSync(run.agents))).toEqual([
      "0123456789abcdef.attach.lock",
    ]);
    await expect(withAgentLock(run, id, patience, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(readdirSync(run.agents)).toEqual([]);
    expect(descriptorCount()).toBe(before);
  });

  test("is waited for until the timeout or the signal, and is separate for each target", async () => {
    const run = runDirectory();
    await withAgentLock(run, id, patience, async () => {
      await expect(withAgentLock(run, id, { timeoutMs: 20 }, async () => {})).rejects.toMatchObject({
        ...{
          code: "ATTACH",
          message: expect.stringMatching(/^another porthole has been attaching for 0 s \(.*\.lock\)$/),
        },
      });
      const signal = AbortSignal.abort();
      await expect(withAgentLock(run, id, { ...patience, signal }, async () => {})).rejects.toMatchObject({
        code: "CANCELLED",
      });
      await withAgentLock(run, `f${id}`, patience, async () => {});
    });
  });

  test("excludes any number of other processes, and is released when its process is killed", async () => {
    const run = runDirectory();
    const script = await bundleScript(`
      import { appendFileSync, existsSync, rmSync, writeFileSync } from "node:fs";
      import { withAgentLock } from "../routes/agents/registry.ts";
      const [agents, identity, turns] = process.argv.slice(2);
      const inside = agents + "/../inside";
      for (let turn = 0; turn < Number(turns); turn++) {
        await withAgentLock({ root: "", agents, mount: "" }, identity, { timeoutMs: 150_000 }, async () => {
          writeFileSync(inside, "", { flag: "wx" });
          if (turns === "1") await new Promise(() => setInterval(() => {}, 1000));
          await new Promise((resolve) => setTimeout(resolve, 1));
          appendFileSync(agents + "/../log", "x");
          rmSync(inside);
        });
      }
    `);
    const holder = start(script, [run.agents, id, "1"], { stdio: "ignore" });
    const inside = `${run.root}/inside`;
    await waitFor("the first to hold the lock", () => existsSync(inside));
    const contenders = Array.from({ length: 4 }, () =>
      outcome(start(script, [run.agents, id, "25"], { stdio: ["ignore", "ignore", "pipe"] })),
    );
    onTestFinished(() => void holder.kill("SIGKILL"));
    // Two holders cannot run at the same time, because creating the file would fail.
    rmSync(inside);
    holder.kill("SIGKILL");
    for (const { status, stderr } of await Promise.all(contenders))
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(readFileSync(`${run.root}/log`, "utf8")).toHaveLength(100);
    expect(readdirSync(run.agents)).toEqual([]);
  });
});
