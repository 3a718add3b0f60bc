import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { witness } from "../helpers/compatibility.ts";
import { engine, uniqueName } from "../helpers/engine.ts";
import { repository } from "../helpers/paths.ts";
import { type User, user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { aloneWithDemoServices } from "./demo-services.ts";

const section = "Compose" as const;

describeWith(["docker", "dockerCommand", "compose"], "docker/demo/compose.yaml, started by Compose", () => {
  let by: User;
  let leave = () => {};
  // Project names have no capitals. A second project has the same services.
  const projects = [uniqueName("shop"), uniqueName("blog")] as const;
  const names = { [projects[0]]: "shop", [projects[1]]: "blog" };

  const compose = (project: string, ...args: string[]) =>
    execFileSync(
      "docker-compose",
      ["--file", `${repository}docker/demo/compose.yaml`, "--project-name", project, ...args],
      {
        env: { ...by.env, PATH: process.env.PATH },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
  const head = (name: string) => ["head", "--lines", "1", `${name}:/log/app.log`];
  /**
   * Reads a value that only this container has: its host name, which is the beginning of its id.
   */
  const hostname = (name: string) => ["cat", `${name}:/etc/hostname`];
  const idOf = async (container: string) =>
    (await engine("docker").api.getContainer(container).inspect()).Config.Hostname ?? "";
  /** `container` is the container whose file is expected. */
  const shows = async (context: Parameters<typeof witness>[0], situation: string, name: string, container?: string) => {
    const ids = container === undefined ? {} : { [await idOf(container)]: "ID" };
    const what = { section, situation, on: engine("docker"), by, names: { ...names, ...ids } };
    return witness(context, { ...what, args: hostname(name) });
  };

  beforeAll(async () => {
    leave = await aloneWithDemoServices();
  });
  afterAll(() => leave());
  beforeAll(async () => {
    by = user({ engine: engine("docker") });
    execFileSync("sh", [`${repository}docker/demo/images.sh`], { env: by.env, stdio: "pipe" });
    await by.run(["docker-args"]);
    compose(projects[0], "up", "--detach", "--scale", "shell=2");
    for (const name of ["rotating", "shell-1", "shell-2", "prepared"])
      await waitFor(`the first line of ${name}`, async () => (await by.run(head(name))).text.startsWith("line "));
  });

  afterAll(() => {
    for (const project of projects) compose(project, "down", "--timeout", "1");
  });

  test("every service can be read with the commands in the comments of its file", async () => {
    const files = ["rotating:/log/app.log", "memory:/cache/state.log", "locked:/tmp/app.log", "prepared:/log/app.log"];
    for (const file of files) {
      const result = await waitFor(`a line of ${file}`, async () => {
        const run = await by.run(["head", "--lines", "1", file]);
        return run.text !== "" && run;
      });
      expect(result).toMatchObject({ code: 0, stderr: "" });
    }
    await waitFor("the deleted file", async () =>
      (await by.run(["ps", "--files", "deleted"])).text.includes("gone.log"),
    );
    const prepared = await by.run(["cat", "--route", "mount", "prepared:/proc/1/comm"]);
    expect(prepared).toMatchObject({ code: 0, text: "ready\n" });
  });

  test("a target can be a service, a project with a service, or a replica", async (context) => {
    const [shop] = projects;
    for (const [situation, name, container] of [
      ["a service", "rotating", `${shop}_rotating_1`],
      ["project and service", `${shop}/rotating`, `${shop}_rotating_1`],
      ["a replica", "shell-2", `${shop}_shell_2`],
      ["project, service and replica", `${shop}/shell-2`, `${shop}_shell_2`],
      ["the container's own name", `${shop}_shell_2`, `${shop}_shell_2`],
    ] as const) {
      expect(await shows(context, situation, name, container)).toMatchObject({
        code: 0,
        text: `${await idOf(container)}\n`,
      });
    }
    const several = await shows(context, "a service with two containers", "shell");
    expect(several).toMatchObject({ code: 3, text: "" });
    expect(several.stderr).toContain("has 2 containers: shell-1, shell-2");
    const none = await shows(context, "a replica that there is not", "shell-3");
    expect(none).toMatchObject({ code: 3, text: "" });
  });

  test("a service of two projects is ambiguous, and a stopped service is found", async (context) => {
    const [shop, blog] = projects;
    compose(blog, "up", "--detach", "rotating");
    const both = await shows(context, "a service of two projects", "rotating");
    expect(both).toMatchObject({ code: 3, text: "" });
    expect(both.stderr).toContain(`has 2 containers: ${blog}/rotating, ${shop}/rotating`);
    const other = await shows(context, "project and service", `${blog}/rotating`, `${blog}_rotating_1`);
    expect(other).toMatchObject({ code: 0, text: `${await idOf(`${blog}_rotating_1`)}\n` });
    compose(blog, "stop", "--timeout", "1");
    const situation = "a service of two projects, one of which is stopped";
    const running = await shows(context, situation, "rotating", `${shop}_rotating_1`);
    expect(running).toMatchObject({ code: 0, text: `${await idOf(`${shop}_rotating_1`)}\n` });
    const stopped = await shows(context, "a service that is stopped", `${blog}/rotating`);
    expect(stopped).toMatchObject({ code: 0, text: `${await idOf(`${blog}_rotating_1`)}\n` });
  });

  test("detach by a service's name ends the agent of its container", async () => {
    await by.run(head("rotating"));
    expect(await by.run(["detach", "rotating"])).toMatchObject({ code: 0, stderr: "" });
    const again = await by.run(["cat", "--trace", "rotating:/proc/1/comm"]);
    expect(again.stderr).toContain("new agent");
  });
});
