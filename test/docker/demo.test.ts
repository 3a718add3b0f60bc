import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { engine } from "../helpers/engine.ts";
import { repository } from "../helpers/paths.ts";
import { type User, user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { aloneWithDemoServices } from "./demo-services.ts";

const folder = `${repository}docker/demo`;

describeWith(["docker", "dockerCommand", "root"], "the demo", () => {
  const docker = () => engine("docker");
  let leave = () => {};
  beforeAll(async () => {
    leave = await aloneWithDemoServices();
  });
  afterAll(() => leave());
  const script = (someone: User, name: string, ...args: string[]) =>
    execFileSync("sh", [`${folder}/${name}`, ...args], { env: someone.env, encoding: "utf8" });

  test("builds its images from this machine only", () => {
    const someone = user({ engine: docker() });
    const nameless = () =>
      execFileSync("docker", ["images", "-q", "--filter", "dangling=true"], { env: someone.env, encoding: "utf8" });
    const before = nameless();
    // Made again they take the place of the first ones.
    for (let time = 0; time < 2; time++)
      expect(script(someone, "images.sh")).toBe("porthole-demo/scratch\nporthole-demo/shell\n");
    expect(nameless()).toBe(before);
  });

  test("starts the services of compose.yaml with up.sh", () => {
    const compose = readFileSync(`${folder}/compose.yaml`, "utf8");
    const services = [...compose.matchAll(/^ {2}(\w+):\n(?: {4}.*\n)+?(?= *command: \[(.*)\])/gm)].map(
      ([, name, command]) => [name, command?.replaceAll(/[",]+/g, "")],
    );
    const shell = readFileSync(`${folder}/up.sh`, "utf8");
    const runs = [...shell.matchAll(/^ *run (\w+) .*(?:\$image|\/shell) (.*)$/gm)].map(([, name, command]) => [
      name,
      command,
    ]);
    expect(runs).toEqual(services);
    expect(runs).toHaveLength(7);
  });

  test("shows the case of each service, and leaves nothing after down", async () => {
    const someone = user({ engine: docker() });
    await someone.run(["docker-args"]);
    const started = script(someone, "up.sh");
    try {
      expect(started).toBe("rotating\ndeleted\nmemory\nlocked\nshell\ndevice\nprepared\n");
      const read = (...args: string[]) =>
        waitFor(args.join(" "), async () => {
          const { code, text } = await someone.run(args);
          return code === 0 && /^(line \d+\n)+$/.test(text);
        });
      await read("cat", "rotating:/log/app.log.1");
      for (const target of ["memory:/cache/state.log", "locked:/tmp/app.log", "shell:/log/app.log"])
        await read("tail", target);
      await read("cat", "--route", "mount", "prepared:/log/app.log");
      const text = await waitFor("the deleted file", async () => {
        const shown = (await someone.run(["ps", "--files", "--json", "deleted"])).text;
        return shown.includes('"/log/gone.log"') && shown;
      });
      const processes = text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { pid: number; files: { fd: number; path: string }[] });
      const [holder] = processes.flatMap(({ pid, files }) =>
        files.filter(({ path }) => path === "/log/gone.log").map(({ fd }) => `deleted:/proc/${pid}/fd/${fd}`),
      );
      await read("cat", holder ?? "no process holds /log/gone.log");
      expect((await someone.run(["stat", "device:/dev/net/tun"])).text).toContain("character special file");
    } finally {
      script(someone, "up.sh", "down");
    }
    const left = execFileSync("docker", ["ps", "-aq", "--filter", "label=com.docker.compose.project=porthole-demo"], {
      env: someone.env,
      encoding: "utf8",
    });
    expect(left).toBe("");
  });
});
