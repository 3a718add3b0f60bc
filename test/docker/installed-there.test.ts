import { mkdtempSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { type Container, container, engine } from "../helpers/engine.ts";
import { builtCommand } from "../helpers/paths.ts";
import { type User, user } from "../helpers/porthole.ts";
import { findProcesses } from "../helpers/processes.ts";
import { type SshServer, sshOnPath, startSshd } from "../helpers/sshd.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { quoted } from "../tui/screen.ts";

/*
 * The PATH of the ssh user has porthole and no docker, so the local porthole cannot reach the
 * engine's API.
 */

describeWith(["docker", "sshd", "root"], "a machine by ssh with porthole and without docker's command", () => {
  let server: SshServer;
  let by: User;
  let there: Container;

  beforeAll(async () => {
    const programs = mkdtempSync(`${inject("machine").directory}/programs-`);
    const own = user({ engine: engine("docker") });
    const variables = ["DOCKER_HOST", "HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"].map(
      (name) => `${name}=${quoted(own.env[name] ?? "")}`,
    );
    const script = `#!/bin/sh\n${variables.join(" ")} exec ${quoted(process.execPath)} ${quoted(builtCommand)} "$@"\n`;
    writeFileSync(`${programs}/porthole`, script, { mode: 0o755 });
    // Uses no start files of the local root user, which may expect other programs.
    server = await startSshd({ PATH: programs, HOME: programs });
    by = user();
    const host = `ssh://root@127.0.0.1:${server.port}`;
    Object.assign(by.env, { DOCKER_HOST: host, PATH: `${sshOnPath(server)}:${by.env.PATH}` });
    there = await container(engine("docker"), { steps: ["dir", "/d", "write", "/d/a file's", "text"] });
  });

  afterAll(async () => {
    await by?.close();
    await server?.stop();
  });

  test("a command runs by ssh HOST porthole, with its streams and exit status", async () => {
    const target = `${there.name}:/d/a file's`;
    expect(await by.run(["cat", target])).toMatchObject({ code: 0, text: "text\n", stderr: "" });
    expect(await by.run(["cat", "-", target], { input: "in\n" })).toMatchObject({ code: 0, text: "in\ntext\n" });
    expect(await by.run(["cat", `${there.name}:/none`])).toMatchObject({
      ...{ code: 1, text: "" },
      stderr: `porthole: cannot open ${there.name}:/none: No such file or directory\n`,
    });
  });

  test.each(["SIGTERM", "SIGKILL"] as const)("%s of the local command ends the remote command", async (signal) => {
    const target = `${there.name}:/d/a file's`;
    const running = by.start(["tail", "-f", target]);
    await new Promise((resolve) => running.stdout.once("data", resolve));
    running.stdout.resume();
    running.child.kill(signal);
    expect(await running.ended).toEqual({ code: null, signal });
    await waitFor("the command there to end", () => findProcesses(({ args }) => args.includes(target)).length === 0);
  });
});
