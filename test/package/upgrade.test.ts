import { appendFileSync, chmodSync, cpSync, mkdtempSync, symlinkSync } from "node:fs";
import { beforeAll, expect, inject, test } from "vitest";
import {
  directAgentsOf,
  expectRead,
  keptFiles,
  listedAgents,
  mountAgentsOf,
  routesInUse,
  sidecarsOf,
} from "../docker/agents.ts";
import { describeWith } from "../helpers/availability.ts";
import { type Container, container, engine } from "../helpers/engine.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { mountBinds, type User, user } from "../helpers/porthole.ts";
import { isRunning } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { packedFirstRelease } from "./first-release.ts";
import { npmInstall, packed } from "./packed.ts";

describeWith(["docker", "registry", "musl", "arm64", "git", "history"], "an upgrade from 0.1.0", () => {
  let released: string;
  let current: string;
  beforeAll(() => {
    released = packedFirstRelease();
    current = packed().path;
  });

  test.for([
    { route: "direct", uid: 0 },
    { route: "mount", uid: ORDINARY_USER },
    { route: "sidecar", uid: ORDINARY_USER },
  ])(
    "replaces an idle agent on route $route (uid $uid), and leaves no files of the previous version",
    async ({ route, uid }) => {
      const place = installation();
      npmInstall(place, released);
      const by = user({ uid, engine: engine("docker"), installation: place });
      const target = await prepared(by);
      const cat = ["cat", "--trace", "--route", route, "--idle", "3600", `${target.name}:/d/f`];
      const before = await by.run(cat);
      expect(before).toMatchObject({ code: 0, text: "text\n" });
      const old = await agentsOf(target);
      expect(old).toHaveLength(1);

      npmInstall(place, current);
      expect(await listedAgents(by)).toMatchObject([{ name: target.name, route, clients: 0 }]);
      const after = await by.run(cat);
      expect(after).toMatchObject({ code: 0, text: "text\n" });
      expect(after.stderr).toContain(`route ${route}, new agent`);
      await waitFor("the old agent to end", async () => !(await agentsOf(target)).includes(old[0] as string));
      expect(await agentsOf(target)).toHaveLength(1);
      expect((await by.run(cat)).stderr).toContain(`route ${route}, live agent`);

      expect(await by.run(["detach", target.name])).toMatchObject({ code: 0, text: "", stderr: "" });
      await waitFor("every agent to end", async () => (await agentsOf(target)).length === 0);
      expect(keptFiles(by).filter((file) => file.startsWith("agents/"))).toEqual([]);
      expect(await by.run(["detach", "--all"])).toMatchObject({ code: 0, text: "", stderr: "" });
      expect(keptFiles(by)).toEqual([]);
    },
  );

  test("keeps the agent of a running follow of 0.1.0, lists it, and ends it with detach", async () => {
    const place = installation();
    npmInstall(place, released);
    const by = user({ engine: engine("docker"), installation: place });
    const target = await prepared(by);
    const log = `/proc/${target.pid}/root/d/f`;
    const follow = by.start(["tail", "-F", "--idle", "3600", `${target.name}:/d/f`]);
    let lines = "";
    follow.stdout.on("data", (bytes: Buffer) => {
      lines += bytes.toString();
    });
    await waitFor("the first line", () => lines === "text\n");
    const [old] = directAgentsOf(target);

    npmInstall(place, current);
    await expectRead(by, `${target.name}:/d/f`, "text\n", "direct, new agent");
    expect(directAgentsOf(target)).toContain(old);
    appendFileSync(log, "more\n");
    await waitFor("the second line", () => lines === "text\nmore\n");
    const listed = await listedAgents(by);
    expect(listed.map(({ name, clients }) => [name, clients]).sort()).toEqual([
      [target.name, 0],
      [target.name, 1],
    ]);

    follow.child.kill();
    await follow.ended;
    expect(await by.run(["detach", target.name])).toMatchObject({ code: 0, text: "", stderr: "" });
    await waitFor("both agents to end", async () => (await routesInUse(engine("docker"), target)).length === 0);
    expect(isRunning(old as number)).toBe(false);
    expect(keptFiles(by).filter((file) => file.startsWith("agents/"))).toEqual([]);
  });
});

/** Starts a container with the directory of `by` mounted. All commands of a test read its file. */
async function prepared(by: User): Promise<Container> {
  const host = { Binds: await mountBinds(by) };
  return container(engine("docker"), { steps: ["dir", "/d", "write", "/d/f", "text"], host });
}

/** Identifies the agents for `target` as the host and the engine report them. */
async function agentsOf(target: Container): Promise<string[]> {
  const processes = [...directAgentsOf(target), ...mountAgentsOf(target)].map(String);
  return [...processes, ...(await sidecarsOf(engine("docker"), target))];
}

/** Creates a directory for `npm install` that every user can read, with Node beside it. */
function installation(): string {
  const place = mkdtempSync(`${inject("machine").directory}/upgrade-`);
  chmodSync(place, 0o755);
  cpSync(process.execPath, `${place}/node`);
  symlinkSync("node_modules/porthole/dist", `${place}/dist`);
  return place;
}
