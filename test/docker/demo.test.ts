import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { engine } from "../helpers/engine.ts";
import { builtCommand, repository } from "../helpers/paths.ts";
import { jsonLines, type User, user } from "../helpers/porthole.ts";
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

  test("builds its images from local files only", () => {
    const someone = user({ engine: docker() });
    const nameless = () =>
      execFileSync("docker", ["images", "-q", "--filter", "dangling=true"], { env: someone.env, encoding: "utf8" });
    const before = nameless();
    // The second build replaces the images of the first.
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

  test("shows the case of each service, and down removes everything", async () => {
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
      await read("cat", await deletedFile(someone));
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

  test("every command of docs/tutorial.md works as printed, in its order", async () => {
    const someone = user({ engine: docker() });
    await someone.run(["docker-args"]);
    const folder = mkdtempSync(`${inject("machine").directory}/tutorial-`);
    mkdirSync(`${folder}/bin`);
    writeFileSync(`${folder}/bin/porthole`, `#!/bin/sh\nexec ${process.execPath} ${builtCommand} "$@"\n`, {
      mode: 0o755,
    });
    const env = { ...someone.env, PATH: `${folder}/bin:${someone.env.PATH}` };
    const commands = readFileSync(`${repository}docs/tutorial.md`, "utf8").match(/(?<=^ {4})\S.*$/gm) ?? [];
    expect(commands.length).toBeGreaterThan(15);
    onTestFinished(() => void script(someone, "up.sh", "down"));
    let holder = "";
    for (const command of commands) {
      const line = command
        .replace(/^sh docker/, `sh ${repository}docker`)
        .replace("deleted:/proc/7/fd/4", () => holder);
      // The screen needs a terminal: test/tui has those.
      if (/^porthole($| open)/.test(line)) continue;
      if (line.includes("tail -F")) {
        const child = spawn("sh", ["-c", `exec ${line}`], { env, cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
        const ended = once(child, "close");
        await Promise.race([once(child.stdout, "data"), ended]);
        child.kill("SIGINT");
        expect([line, await ended]).toEqual([line, [null, "SIGINT"]]);
        continue;
      }
      const { status, stderr } = spawnSync("sh", ["-c", line], { env, cwd: folder, encoding: "utf8" });
      if (status !== 0) throw new Error(`${line}: status ${status}: ${stderr}`);
      if (line.endsWith("up.sh")) {
        await waitFor("the first logs", async () => (await someone.run(["cat", "locked:/tmp/app.log"])).text !== "");
        await waitFor("a rotation", async () => (await someone.run(["stat", "rotating:/log/app.log.1"])).code === 0);
        holder = await deletedFile(someone);
      }
    }
    expect(readFileSync(`${folder}/rescued.log`, "utf8")).toMatch(/^line 1\n/);
  });
});

/** Returns the deleted log of service `deleted` as a target: the link of its descriptor. */
async function deletedFile(someone: User): Promise<string> {
  const text = await waitFor("the deleted file", async () => {
    const shown = (await someone.run(["ps", "--files", "--json", "deleted"])).text;
    return shown.includes('"/log/gone.log"') && shown;
  });
  const processes = jsonLines<{ pid: number; files: { fd: number; path: string }[] }>(text);
  const [holder] = processes.flatMap(({ pid, files }) =>
    files.filter(({ path }) => path === "/log/gone.log").map(({ fd }) => `deleted:/proc/${pid}/fd/${fd}`),
  );
  return holder ?? "no process holds /log/gone.log";
}
