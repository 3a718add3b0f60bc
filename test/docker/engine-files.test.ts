import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { expect, inject, onTestFinished, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { dockerCommand } from "../helpers/daemons.ts";
import { created, type Engine, ended, engine, engineAt, enginesUnderTest } from "../helpers/engine.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";

const host = { ExtraHosts: ["elsewhere:192.0.2.7"] };
const script = "exit 0";

/** Expects the container's own /etc/hosts, by every route. */
async function expectOwnHosts(on: Engine, routes: readonly { uid: number; route: "direct" | "sidecar" }[]) {
  const target = await ended(on, { script, host });
  for (const { uid, route } of routes) {
    const by = user({ engine: on, uid });
    const { code, text, stderr } = await by.run(["cat", "--trace", `${target.name}:/etc/hosts`, "--route", route]);
    expect({ code, stderr, route }).toMatchObject({ code: 0, stderr: expect.stringContaining(`route ${route}`) });
    expect(text).toMatch(/192\.0\.2\.7\s+elsewhere\n/);
    await by.run(["detach", "--all"]);
  }
  await target.remove();
}

describeWith(["root", "docker", "podman"], "a file that the engine mounts into its containers", () => {
  test.each(enginesUnderTest())("is the stopped container's own with %s, on every route", async (name) => {
    await expectOwnHosts(engine(name), [
      { uid: 0, route: "direct" },
      { uid: 0, route: "sidecar" },
      { uid: ORDINARY_USER, route: "sidecar" },
    ]);
  });

  test.each(enginesUnderTest())("is missing in a container of %s that was never started", async (name) => {
    const on = engine(name);
    const by = user({ engine: on });
    const target = await created(on, { script, host });
    const { code, text } = await by.run(["cat", `${target.name}:/etc/hosts`]);
    // Docker creates an empty file for the mount.
    expect({ code, text }).toEqual({ code: on.isPodman ? 1 : 0, text: "" });
  });
});

describeWith(["root", "docker"], "an engine with missing or private mounts", () => {
  // Podman creates every source that is missing.
  if (!inject("machine").isPodman)
    test("does not create the missing source of a bind mount for a sidecar, and the other files are read", async () => {
      const on = engine("docker");
      const source = mkdtempSync(`${inject("machine").directory}/gone-`);
      const target = await ended(on, { script: "echo text > /f", host: { Binds: [`${source}:/gone`] } });
      rmSync(source, { recursive: true });
      const by = user({ engine: on, uid: ORDINARY_USER });
      expect(await by.run(["cat", `${target.name}:/f`])).toMatchObject({ code: 0, stderr: "", text: "text\n" });
      expect((await by.run(["cat", `${target.name}:/gone/x`])).stderr).toContain(
        `/gone was mounted from ${source}, which no longer exists`,
      );
      expect(existsSync(source)).toBe(false);
    });

  test("has its files although they exist only in its own mount namespace", async () => {
    const directory = mkdtempSync(`${inject("machine").directory}/mounts-`);
    mkdirSync(`${directory}/data`);
    const { socket, command, env } = dockerCommand(directory, { storage: "overlay2" });
    const mounted = ["sh", "-c", 'mount -t tmpfs tmpfs "$0" && exec "$@"', `${directory}/data`, ...command];
    const daemon = spawn("unshare", ["--mount", "--propagation", "private", ...mounted], {
      stdio: "ignore",
      env: { ...process.env, ...env },
    });
    const over = new Promise((resolve) => daemon.once("exit", resolve));
    onTestFinished(async () => {
      daemon.kill("SIGTERM");
      await over;
      rmSync(directory, { recursive: true, force: true });
    });
    const on = engineAt("docker", socket);
    await waitFor(
      "the engine",
      () =>
        on.api.ping().then(
          () => true,
          () => false,
        ),
      { deadline: 60_000 },
    );
    await expectOwnHosts(on, [
      { uid: 0, route: "direct" },
      { uid: 0, route: "sidecar" },
    ]);
  });
});
