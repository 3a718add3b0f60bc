import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { startTime } from "../../src/descriptors/process.ts";
import { acceptFrom, FdSocket, listenAt } from "../../src/descriptors/sockets/fd-socket.ts";
import { agentFile, withAgentLock } from "../../src/routes/agents/registry.ts";
import { attachContainer, attachProcess } from "../../src/routes/attach.ts";
import { ensureRunDirectory, openRunDirectory, type RunDirectory } from "../../src/routes/run-directory/run-dir.ts";
import { attachDirect } from "../../src/routes/start/direct.ts";
import { owned, temporaryDirectory } from "../descriptors/fixtures.ts";
import { fakeEngine } from "../engines/fake-engine.ts";
import { type Sandbox, sandbox } from "../helpers/namespaces.ts";
import { descriptorCount, directAgents } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { CONTAINER_ID as id, registerAgent } from "./registered-agent.ts";

/** Makes a separate run directory for the test, which the attach uses. */
function runDirectory(): RunDirectory {
  vi.stubEnv("XDG_STATE_HOME", temporaryDirectory());
  onTestFinished(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });
  return ensureRunDirectory();
}

/** The agents end with the target. */
const agentsOf = ({ pid }: Sandbox) => directAgents(pid).agents;

async function target(): Promise<Sandbox> {
  const one = await sandbox();
  onTestFinished(() => one.stop());
  return one;
}

describe("a process", () => {
  test("that does not exist, or a route that cannot reach it, is an error before anything is created", async () => {
    await expect(attachProcess(2_147_483_647, {})).rejects.toMatchObject({
      ...{ code: "TARGET", errno: "ESRCH", message: "no such process: 2147483647" },
    });
    await expect(attachProcess(process.pid, { route: "sidecar" })).rejects.toMatchObject({ code: "USAGE" });
  });

  test("gets one agent for any number of concurrent commands, and the next command finds it", async () => {
    const run = runDirectory();
    const { pid, ...rest } = await target();
    const before = descriptorCount();
    const all = await Promise.all(Array.from({ length: 6 }, () => attachProcess(pid, { idleSeconds: 60 })));
    expect(all.filter(({ fresh }) => fresh)).toHaveLength(1);
    expect(new Set(all.map(({ file }) => file)).size).toBe(1);
    expect(agentsOf({ pid, ...rest })).toHaveLength(1);
    for (const { socket } of all) socket.close();
    // The reactor has two descriptors, created once in this process.
    await waitFor("the descriptors to be closed", () => descriptorCount() <= before + 2);
    const again = await attachProcess(pid, {});
    expect(again.fresh).toBe(false);
    again.socket.close();
    const [json, sock, ...others] = readdirSync(run.agents).sort();
    expect([json, sock, others]).toEqual([`${again.file}.json`, `${again.file}.sock`, []]);
    expect(JSON.parse(readFileSync(`${run.agents}/${json}`, "utf8"))).toMatchObject({
      name: `pid:${pid}`,
      targetPid: pid,
    });
    expect(readdirSync(run.mount)).toEqual([]);
  });

  test("gets a new agent if the files of a dead agent remain", async () => {
    const run = runDirectory();
    const one = await target();
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").slice(0, 8);
    const generation = `${startTime(one.pid)} ${boot}`;
    const key = { identity: `pid-${one.pid}`, generation, route: "direct" as const, user: "" };
    const directory = owned(openRunDirectory(run.agents));
    for (const end of ["sock", "starting"]) listenAt(directory, `${agentFile(key)}.${end}`, 0o600).close();
    const attached = await attachProcess(one.pid, {});
    expect([attached.fresh, attached.file]).toEqual([true, agentFile(key)]);
    attached.socket.close();
    expect(existsSync(`${run.agents}/${agentFile(key)}.starting`)).toBe(false);
  });

  test("keeps no agent, socket, record, lock or descriptor after an interrupt, which is not a failed route", async () => {
    const run = runDirectory();
    const one = await target();
    const begun = async () => {
      const controller = new AbortController();
      const { signal } = controller;
      const add = signal.addEventListener.bind(signal);
      // Only the wait for the agent's first message listens for the signal, so the wait has begun.
      vi.spyOn(signal, "addEventListener").mockImplementation((...args: Parameters<typeof add>) => {
        expect(readdirSync(run.agents).filter((name) => name.endsWith(".starting"))).toHaveLength(1);
        add(...args);
        queueMicrotask(() => controller.abort());
      });
      // Simulates a slow agent.
      vi.spyOn(FdSocket.prototype, "receive").mockReturnValueOnce("again");
      const attaching = attachProcess(one.pid, { signal });
      await expect(attaching).rejects.toMatchObject({ code: "CANCELLED" });
    };
    const first = descriptorCount();
    await begun();
    await waitFor("the descriptors to be closed", () => descriptorCount() <= first + 2);
    const before = descriptorCount();
    await begun();
    await waitFor("the descriptors to be closed", () => descriptorCount() <= before);
    expect(readdirSync(run.agents)).toEqual([]);
    await waitFor("no agent", () => agentsOf(one).length === 0);
  });

  test("that was replaced by another process is refused with the agent's message", async () => {
    const one = await target();
    const listener = owned(listenAt(owned(openRunDirectory(runDirectory().agents)), "x.starting", 0o600));
    const before = descriptorCount();
    const meant = { pid: one.pid, started: "1", name: "'web'" };
    await expect(attachDirect(meant, () => listener, 60, { timeoutMs: 20_000 })).rejects.toMatchObject({
      ...{ code: "ATTACH", message: expect.stringMatching(/^the agent cannot enter 'web': \S.*\d/) },
    });
    await waitFor("its descriptors to be closed", () => descriptorCount() <= before);
    await waitFor("its end", () => agentsOf(one).length === 0);
  });

  test("whose agent another command is starting is waited for until the signal", async () => {
    const run = runDirectory();
    const one = await target();
    await withAgentLock(run, `pid-${one.pid}`, { timeoutMs: 1000 }, async () => {
      const controller = new AbortController();
      const attaching = attachProcess(one.pid, { signal: controller.signal });
      controller.abort();
      await expect(attaching).rejects.toMatchObject({ code: "CANCELLED" });
    });
  });
});

describe("a container", () => {
  test("needs no engine for a full id with a running agent", async () => {
    const run = runDirectory();
    const key = { identity: id, generation: "2026-01-02T03:04:05Z", route: "sidecar" as const, user: "" };
    const listener = registerAgent(run, key);
    const attached = await attachContainer(id, { engine: "/none.sock" });
    expect(attached).toMatchObject({ fresh: false, file: agentFile(key) });
    attached.socket.close();
    acceptFrom(listener)?.close();
    await expect(attachContainer(id, { engine: "/none.sock", route: "direct" })).rejects.toMatchObject({
      ...{ code: "TARGET", errno: "ENOENT" },
    });
  });

  test("that no route reaches is reported with each route's reason, and no file is created", async () => {
    const run = runDirectory();
    const state = { Running: true, Pid: 0, StartedAt: "2026-01-02T03:04:05Z" };
    // An engine that describes a container and then refuses every request, as it does for a removed
    // container.
    const engine = await fakeEngine((path) =>
      path === "/containers/web/json"
        ? { status: 200, body: { Id: id, Name: "/web", State: state } }
        : { status: 500, body: { message: "storage is gone" } },
    );
    writeFileSync(`${run.agents}/unrelated`, "");
    await expect(attachContainer("web", { engine: engine.socketPath })).rejects.toMatchObject({
      code: "ATTACH",
      message: expect.stringMatching(
        /^could not attach by any route: direct: process 0 of 'web' is not on this machine; mount: 'web' does not have porthole's directory mounted; sidecar: /,
      ),
    });
    await expect(attachContainer("web", { engine: engine.socketPath, user: "1000" })).rejects.toThrow(
      /direct: --user needs the mount route; mount: .*; sidecar: --user needs the mount route$/,
    );
    await expect(attachContainer("web", { engine: engine.socketPath, route: "mount" })).rejects.toMatchObject({
      ...{ message: "'web' does not have porthole's directory mounted", hint: expect.stringContaining("docker-args") },
    });
    expect([readdirSync(run.agents), readdirSync(run.mount)]).toEqual([["unrelated"], ["agent"]]);
  });

  test("of an engine that stops answering fails at the timeout or by the signal, and a created sidecar is removed by its name", async () => {
    const run = runDirectory();
    const state = { Running: true, Pid: 0, StartedAt: "2026-01-02T03:04:05Z" };
    const asked: string[] = [];
    const engine = await fakeEngine((path) => {
      asked.push(path);
      if (path.startsWith("/containers/porthole-")) {
        const labels = { "io.porthole.run-directory": run.root };
        return { status: 200, body: { Id: id, Config: { Labels: labels } } };
      }
      if (path.startsWith("DELETE ")) return { status: 204, body: undefined };
      if (path === "/info") return { status: 200, body: {} };
      return path.startsWith("/") ? { status: 200, body: { Id: id, Name: "/web", State: state } } : "silence";
    });
    const options = { engine: engine.socketPath, route: "sidecar" as const };
    await expect(attachContainer("web", { ...options, timeoutMs: 2000 })).rejects.toMatchObject({
      ...{ code: "ATTACH", errno: "ETIMEDOUT" },
      message: "sidecar route to 'web': the engine did not respond within 2 s",
    });
    expect(asked.some((path) => path.startsWith("POST /containers/create?name=porthole-0123456789ab-"))).toBe(true);
    expect(asked.some((path) => path.startsWith("DELETE /containers/porthole-0123456789ab-"))).toBe(true);
    expect([readdirSync(run.agents), readdirSync(run.mount)]).toEqual([[], ["agent"]]);
    const controller = new AbortController();
    const attaching = attachContainer("web", { ...options, signal: controller.signal });
    asked.length = 0;
    await waitFor("the creation to be asked for", () => asked.some((path) => path.startsWith("POST ")));
    controller.abort();
    await expect(attaching).rejects.toMatchObject({ code: "CANCELLED" });
    expect(asked.some((path) => path.startsWith("DELETE "))).toBe(true);
  });

  test.each(["silence", "dripping"] as const)(
    "of an engine that starts a sidecar with %s fails at the timeout",
    async (answer) => {
      const run = runDirectory();
      const state = { Running: true, Pid: 0, StartedAt: "2026-01-02T03:04:05Z" };
      const Mounts = [{ Destination: "/run/porthole", Source: run.mount }];
      for (const silent of [`POST /containers/${id}/exec`, `POST /exec/${id}/start`]) {
        const engine = await fakeEngine((path) => {
          if (path === silent) return answer;
          if (path === `POST /containers/${id}/exec`) return { status: 201, body: { Id: id } };
          return path === "/info" ? { status: 404, body: {} } : { status: 200, body: { Id: id, State: state, Mounts } };
        });
        const options = { engine: engine.socketPath, route: "mount" as const, timeoutMs: 100 };
        await expect(attachContainer("web", options)).rejects.toMatchObject({
          code: "ATTACH",
          message: expect.stringMatching(
            /^mount route to 'web': the engine (did not respond within 0\.1 s|at .* returns no stream)/,
          ),
        });
        expect([readdirSync(run.agents), readdirSync(run.mount)]).toEqual([[], ["agent"]]);
      }
    },
  );

  test("with another user's mount, or paused, cannot be reached by that mount", async () => {
    runDirectory();
    const state = { Running: true, Paused: true, Pid: 0, StartedAt: "2026-01-02T03:04:05Z" };
    const run = ensureRunDirectory();
    for (const [source, complaint] of [
      ["/somebody/else", `'web' has /somebody/else mounted, not ${run.mount}`],
      [run.mount, "'web' is paused: no process can start in it"],
    ] as const) {
      const body = { Id: id, Name: "/web", State: state, Mounts: [{ Destination: "/run/porthole", Source: source }] };
      const engine = await fakeEngine(() => ({ status: 200, body }));
      await expect(attachContainer("web", { engine: engine.socketPath, route: "mount" })).rejects.toThrow(complaint);
    }
  });
});
