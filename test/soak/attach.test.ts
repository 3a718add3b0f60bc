import { readdirSync, readFileSync } from "node:fs";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { connect, detachAgents } from "../../src/sessions/index.ts";
import { temporaryDirectory } from "../descriptors/fixtures.ts";
import { sidecarsOf } from "../docker/agents.ts";
import { describeWithDocker } from "../helpers/availability.ts";
import { container, engine } from "../helpers/engine.ts";
import { sandbox } from "../helpers/namespaces.ts";
import { childrenOf, descriptorCount, directAgents, processName } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { full, report, scale } from "./scale.ts";

const timeout = full ? 3_600_000 : 300_000;
let state: string;

beforeEach(() => {
  state = temporaryDirectory();
  vi.stubEnv("XDG_STATE_HOME", state);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
});

function residentKiB(pid: number | "self"): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

function filesIn(folder: string): string[] {
  return readdirSync(folder);
}

/** Returns the children of this process, including zombies. */
function childrenOfOurs(): number[] {
  return childrenOf(process.pid).filter((pid) => processName(pid)?.startsWith("porthole-agent"));
}

const agentsOf = (pid: number) => Object.values(directAgents(pid)).flat();

describe("a direct agent", () => {
  test(`opens ${scale.opens} files in one session and does not grow`, { timeout }, async () => {
    const target = await sandbox({ steps: ["write", "/tmp/file", "content"] });
    const session = await connect(`pid:${target.pid}`);
    const batch = async (count: number) => {
      await Promise.all(Array.from({ length: count }, async () => (await session.open("/tmp/file")).close()));
    };
    for (let done = 0; done < Math.min(10_000, scale.opens); done += 100) await batch(100);
    const processes = agentsOf(target.pid);
    const before = { descriptors: descriptorCount(), ours: residentKiB("self"), theirs: processes.map(residentKiB) };
    for (let done = 0; done < scale.opens; done += 100) await batch(100);
    await waitFor("our descriptors to be closed", () => descriptorCount() <= before.descriptors);
    const after = { ours: residentKiB("self"), theirs: processes.map(residentKiB) };
    expect(processes).toHaveLength(2);
    expect(after.theirs).toEqual(before.theirs);
    // Garbage collection is not deterministic: it may leave about 50 MiB more after a million
    // opens. A million leaked files would be more than twice that.
    expect(after.ours - before.ours).toBeLessThan(100_000);
    session.close();
    await detachAgents(`pid:${target.pid}`);
    await waitFor("the agent to end", () => agentsOf(target.pid).length === 0);
    report("opens", {
      done: scale.opens,
      "descriptors left": descriptorCount() - before.descriptors,
      "agent KiB": after.theirs.join("+"),
      "agent grew KiB": after.theirs.map((one, index) => one - (before.theirs[index] ?? 0)).join("+"),
      "host grew KiB": after.ours - before.ours,
    });
    await target.stop();
  });

  test(`starts and ends ${scale.direct} times, and no process or file remains`, { timeout }, async () => {
    const target = await sandbox({ steps: ["write", "/tmp/file", "content"] });
    const turn = async () => {
      const session = await connect(`pid:${target.pid}`);
      const file = await session.open("/tmp/file");
      file.close();
      session.close();
      await detachAgents(`pid:${target.pid}`);
    };
    for (let n = 0; n < Math.min(50, scale.direct); n++) await turn();
    const before = { descriptors: descriptorCount(), ours: residentKiB("self") };
    for (let n = 0; n < scale.direct; n++) await turn();
    await waitFor("the last agent to end", () => agentsOf(target.pid).length === 0);
    await waitFor("our descriptors to be closed", () => descriptorCount() <= before.descriptors);
    await waitFor("no child of ours, nor a zombie", () => childrenOfOurs().length === 0);
    expect(filesIn(`${state}/porthole/agents`)).toEqual([]);
    expect(residentKiB("self") - before.ours).toBeLessThan(100_000);
    report("direct attach and detach", {
      done: scale.direct,
      "descriptors left": descriptorCount() - before.descriptors,
      "processes left": agentsOf(target.pid).length,
      "host grew KiB": residentKiB("self") - before.ours,
    });
    await target.stop();
  });
});

describeWithDocker("a sidecar", () => {
  test(`starts and ends ${scale.sidecar} times, and no process or file remains`, { timeout }, async () => {
    const docker = engine("docker");
    const target = await container(docker, { steps: ["write", "/file", "content"] });
    const options = { engine: docker.host, route: "sidecar" as const };
    const turn = async () => {
      const session = await connect(target.name, options);
      expect(session.route).toBe("sidecar");
      (await session.open("/file")).close();
      session.close();
      await detachAgents(target.name, { engine: docker.host });
    };
    await turn();
    const before = descriptorCount();
    for (let n = 0; n < scale.sidecar; n++) await turn();
    await waitFor("the last sidecar to go", async () => (await sidecarsOf(docker, target)).length === 0);
    await waitFor("our descriptors to be closed", () => descriptorCount() <= before);
    expect(filesIn(`${state}/porthole/agents`)).toEqual([]);
    expect(filesIn(`${state}/porthole/mnt`).filter((name) => name !== "agent")).toEqual([]);
    report("sidecar attach and detach", {
      done: scale.sidecar,
      "descriptors left": descriptorCount() - before,
      "containers left": (await sidecarsOf(docker, target)).length,
    });
  });
});
