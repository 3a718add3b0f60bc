import { tmpdir } from "node:os";
import { afterEach, expect, test } from "vitest";
import { type ContainersState, namespaceSandboxes } from "../../src/engines/index.ts";
import { watchContainers } from "../../src/routes/index.ts";
import { describeWith } from "../helpers/availability.ts";
import { container, type Engine, engine, uniqueName } from "../helpers/engine.ts";
import { sandbox } from "../helpers/namespaces.ts";
import { user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";

let end: (() => Promise<void>) | undefined;
afterEach(() => end?.());

/** Watches until the end of the test. */
function watch(options: { engine: string }) {
  const abort = new AbortController();
  let latest: ContainersState = { containers: [], troubles: [], complete: false };
  const done = watchContainers({
    ...options,
    signal: abort.signal,
    changed: (state) => {
      latest = state;
    },
  });
  end = async () => {
    abort.abort();
    await done;
  };
  return { latest: () => latest, of: (name: string) => latest.containers.find((one) => one.name === name) };
}

async function lives(on: Engine): Promise<void> {
  const name = uniqueName("listed");
  const seen = watch({ engine: on.host });
  await waitFor("the first list", () => seen.latest().complete);
  expect(seen.of(name)).toBeUndefined();
  const labels = { "com.docker.compose.project": "shop", "com.docker.compose.service": "web" };
  const target = await container(on, { name, labels });
  const started = Date.now();
  const one = await waitFor("the new container and its route", () => {
    const found = seen.of(name);
    return found?.state === "running" && found.details?.route ? found : undefined;
  });
  expect(one).toMatchObject({ id: target.id, state: "running", project: "shop", service: "web" });
  expect(one.details).toMatchObject({ pid: target.pid, route: "direct", obstacles: [] });
  expect(Math.abs(started - (one.details?.started ?? 0))).toBeLessThan(60_000);
  await target.handle.pause();
  await waitFor("the pause", () => seen.of(name)?.state === "paused");
  await target.handle.unpause();
  await waitFor("the end of the pause", () => seen.of(name)?.state === "running");
  await target.handle.rename({ name: `${name}-b` });
  await waitFor("the new name", () => seen.of(`${name}-b`) && !seen.of(name));
  await target.handle.kill();
  await waitFor("the end", () => seen.of(`${name}-b`)?.state === "exited");
  const ended = await waitFor("how it ended", () => {
    const details = seen.of(`${name}-b`)?.details;
    return details?.exitCode === 137 && details;
  });
  expect(ended).toMatchObject({ isOomKilled: false, pid: 0, route: undefined, obstacles: [] });
  expect(Math.abs(started - (ended.finished ?? 0))).toBeLessThan(60_000);
  await target.remove();
  await waitFor("the removal", () => !seen.of(`${name}-b`));
}

describeWith("docker", "the list of Docker's containers", () => {
  test("reports every state change of a container", () => lives(engine("docker")));

  test("does not contain porthole's sidecars", async () => {
    const docker = engine("docker");
    const target = await container(docker);
    const someone = user({ engine: docker });
    expect((await someone.run(["ls", "--route", "sidecar", `${target.name}:/`])).code).toBe(0);
    const all = await docker.api.listContainers({ filters: { label: [`io.porthole.sidecar=${target.id}`] } });
    expect(all.length).toBe(1);
    const seen = watch({ engine: docker.host });
    await waitFor("the list", () => seen.of(target.name));
    expect(seen.latest().containers.filter(({ id }) => id === all[0]?.Id)).toEqual([]);
  });
});

describeWith("podman", "the list of Podman's containers", () => {
  test("reports every state change of a container", () => lives(engine("podman")));
});

test("an engine that does not answer is reported with its remedy", async () => {
  const seen = watch({ engine: `unix://${tmpdir()}/no-such-directory/docker.sock` });
  const [trouble] = await waitFor("the error", () => seen.latest().troubles.length > 0 && seen.latest().troubles);
  expect(trouble?.message).toContain("no engine is listening there");
  expect(trouble?.hint).toContain("DOCKER_HOST");
});

describeWith("userNamespaces", "namespaces without an engine", () => {
  test("are found by their first process, and skipped if they belong to a known container", async () => {
    const { pid, root, stop } = await sandbox({ steps: ["write", "/tmp/note", "x"] });
    const command = `--root=${root} `;
    const found = namespaceSandboxes().find((one) => one.command.includes(command));
    expect(found?.apart).toEqual(["mnt", "user"]);
    expect(found?.processes).toBeGreaterThan(1);
    expect(namespaceSandboxes([pid]).find((one) => one.command.includes(command))).toBeUndefined();
    await stop();
  });
});
