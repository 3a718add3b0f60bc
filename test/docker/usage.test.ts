import { expect, it } from "vitest";
import { type ContainerUsage, containerUsage } from "../../src/engines/index.ts";
import { describeWith } from "../helpers/availability.ts";
import { container, type Engine, engine, uniqueName } from "../helpers/engine.ts";
import { engineProxy } from "../helpers/engine-proxy.ts";
import { user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { has, listOf, startScreen } from "./porthole-screen.ts";

/** Starts a container that uses a processor. */
async function busy(on: Engine, name = uniqueName("busy")) {
  return container(on, { name, script: "while :; do :; done" });
}

/** Returns the first two samples of a container's usage. */
async function firstUsages(on: Engine): Promise<ContainerUsage[]> {
  const { id, remove } = await busy(on);
  const abort = new AbortController();
  const usages: ContainerUsage[] = [];
  for await (const usage of containerUsage({ socketPath: on.socket, source: "test", name: "" }, id, abort.signal)) {
    usages.push(usage);
    if (usages.length === 2) break;
  }
  await remove();
  return usages;
}

for (const name of ["docker", "podman"] as const) {
  describeWith(name, `the usage of a container of ${name}`, () => {
    it("reports processor time and memory while the container runs", async () => {
      const usages = await firstUsages(engine(name));
      for (const { cores, memory = 0, memoryLimit = 0 } of usages) {
        expect(cores).toBeGreaterThan(0);
        expect(memory).toBeGreaterThan(0);
        expect(memory).toBeLessThan(memoryLimit);
      }
    });
  });
}

describeWith(["docker", "tmux"], "the list of containers", () => {
  it("shows processor time and memory with sparklines, and streams them only while it is on the screen", async () => {
    const docker = engine("docker");
    const proxy = await engineProxy(docker);
    const someone = user({ engine: docker });
    const { id, name } = await busy(docker);
    const screen = startScreen(someone, [], { size: { columns: 200, rows: 50 }, env: { DOCKER_HOST: proxy.host } });
    const row = (text: string) => listOf(text).find((one) => one.includes(` ${name} `)) ?? "";
    await screen.waitFor("its usage", (text) => /running .* [\d.]+% +[▁-█]+ +[\d.]+[KM]? +[▁-█]+ /.test(row(text)));
    const streams = () => proxy.ongoing().filter((line) => line.includes(`/containers/${id}/stats`)).length;
    expect(streams()).toBe(1);
    screen.type(`/${name}`);
    screen.keys("Enter", "Enter");
    await screen.waitFor("its files", has(`${name}:/`, "bin/"));
    await waitFor("the end of the stream", () => streams() === 0);
    screen.keys("q");
    await screen.waitFor("the containers", has("Containers", name));
    await waitFor("another stream", () => streams() === 1);
    screen.type("Q");
    expect(await screen.waitForEnd()).toBe(0);
    await waitFor("the end of all requests", () => proxy.ongoing().length === 0);
  });
});
