import { expect, test } from "vitest";
import { describeWithDocker } from "../helpers/availability.ts";
import { note } from "../helpers/compatibility.ts";
import { container, engine, image, uniqueName } from "../helpers/engine.ts";
import { amount } from "../helpers/extent.ts";
import { user } from "../helpers/porthole.ts";
import { directAgentsOf, listedAgents } from "./agents.ts";

/** Number of running containers, each with a live agent. */
const AGENTS = 20;
/**
 * Number of all containers. Those without an agent are created but not started, and are also
 * listed.
 */
const CONTAINERS = amount(200, 60);

describeWithDocker(`${CONTAINERS} containers on one host, ${AGENTS} with a live agent`, () => {
  test("each is read by its own name, and the cost does not grow with their number", async (context) => {
    const docker = engine("docker");
    const by = user({ engine: docker });
    const Image = await image(docker);
    const created: { remove(options: object): Promise<unknown> }[] = [];
    context.onTestFinished(async () => {
      for (let at = 0; at < created.length; at += 20)
        await Promise.all(created.slice(at, at + 20).map((one) => one.remove({ force: true })));
    });
    for (let at = 0; at < CONTAINERS - AGENTS; at += 20) {
      const some = Array.from({ length: 20 }, () =>
        docker.api.createContainer({ name: uniqueName("many"), Image, Cmd: ["/workload"] }),
      );
      created.push(...(await Promise.all(some)));
    }
    const targets = await Promise.all(
      Array.from({ length: AGENTS }, (_, index) =>
        container(docker, { steps: ["dir", "/d", "write", "/d/f", `of ${index}`] }),
      ),
    );
    const files = targets.map(({ name }) => `${name}:/d/f`);
    const expected = targets.map((_, index) => `of ${index}\n`).join("");
    // First read all in one command with few descriptors. Then read each in a separate command at
    // the same time.
    const before = ["sh", "-c", 'ulimit -n 128; exec "$@"', "sh"];
    expect(await by.run(["cat", ...files], { before })).toMatchObject({ code: 0, stderr: "", text: expected });
    const single = await Promise.all(files.map((file) => by.run(["cat", file])));
    expect(single.map(({ text }) => text).join("")).toBe(expected);
    for (const target of targets) expect(directAgentsOf(target)).toHaveLength(1);

    const agents = await listedAgents(by);
    expect(agents.map(({ name }) => name).sort()).toEqual(targets.map(({ name }) => name).sort());
    // docs/architecture.md: an agent takes 2 MB at most.
    expect(Math.max(...agents.map(({ memoryKiB }) => memoryKiB))).toBeLessThan(2048);
    await note(context, {
      ...{
        section: "Containers",
        situation: `${CONTAINERS} containers, ${AGENTS} of them with a live agent`,
        on: docker,
        by,
        names: {},
      },
      command: "porthole cat web-1:/d/f ... web-20:/d/f",
      outcome: "each file from its own container, one agent each, at most 2 MB an agent, with 128 descriptors allowed",
    });
  });
});
