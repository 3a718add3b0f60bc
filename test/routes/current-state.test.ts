import { spawnSync } from "node:child_process";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Engine } from "../../src/engines/api/engine.ts";
import { attachContainer } from "../../src/routes/attach.ts";
import { joinableProcess } from "../../src/routes/joinable.ts";
import { ensureRunDirectory } from "../../src/routes/run-directory/run-dir.ts";
import { takeTree } from "../../src/routes/tree.ts";
import { temporaryDirectory } from "../descriptors/fixtures.ts";
import { fakeEngine } from "../engines/fake-engine.ts";
import { CONTAINER_ID as id } from "./registered-agent.ts";

/** Starts an engine whose container runs in its first answer, and has ended in all later ones. */
async function endingContainer(): Promise<Engine> {
  vi.stubEnv("XDG_STATE_HOME", temporaryDirectory());
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  ensureRunDirectory();
  const { pid: Pid } = spawnSync("true");
  const running = { Running: true, Status: "running", Pid, StartedAt: "2026-01-02T03:04:05Z" };
  const ended = {
    Running: false,
    Status: "exited",
    Pid: 0,
    StartedAt: running.StartedAt,
    FinishedAt: "2026-01-02T03:04:06Z",
  };
  let State: object = running;
  return fakeEngine((path) => {
    if (path === "/info") return { status: 200, body: {} };
    if (!path.endsWith("/json")) return { status: 500, body: { message: "no such request" } };
    const body = { Id: id, Name: "/web", State };
    if (path === `/containers/${id}/json` || path === "/containers/web/json") State = ended;
    return { status: 200, body };
  });
}

const target = { kind: "container" as const, name: "web", path: "/" };

test("a container that ends while its namespaces are joined is reported as not running", async () => {
  const engine = await endingContainer();
  await expect(joinableProcess(target, { engine: engine.socketPath })).rejects.toMatchObject({
    code: "TARGET",
    message: "container 'web' is not running (exited)",
  });
});

test("a container that is removed while an agent starts is reported by its name", async () => {
  vi.stubEnv("XDG_STATE_HOME", temporaryDirectory());
  onTestFinished(() => void vi.unstubAllEnvs());
  const { pid: Pid } = spawnSync("true");
  const State = { Running: true, Status: "running", Pid, StartedAt: "2026-01-02T03:04:05Z" };
  const engine = await fakeEngine((path) =>
    path === "/containers/web/json"
      ? { status: 200, body: { Id: id, Name: "/web", State } }
      : { status: 404, body: { message: `No such container: ${id}` } },
  );
  await expect(attachContainer("web", { engine: engine.socketPath, route: "direct" })).rejects.toMatchObject({
    code: "TARGET",
    message: "container 'web' has just been removed",
  });
});

test("a container that ends while its tree is taken is read as a stopped one", async () => {
  const engine = await endingContainer();
  await expect(takeTree(target, { engine: engine.socketPath, route: "direct" })).rejects.toMatchObject({
    message: expect.stringMatching(/the engine does not report where its layers are|its layers belong to another user/),
  });
});
