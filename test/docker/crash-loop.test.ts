import { expect, it, onTestFinished } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { busyboxImage, container, created, engine, startInside, uniqueName } from "../helpers/engine.ts";
import { user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";
import type { TmuxScreen } from "../tui/screen.ts";
import { has, lastRow, listOf, startScreen } from "./porthole-screen.ts";

function rowOf(text: string, name: string): string {
  return listOf(text).find((row) => row.includes(` ${name} `)) ?? "";
}

describeWith(["docker", "tmux"], "the list of containers", () => {
  const docker = engine("docker");
  const someone = user({ engine: docker });
  let screen: TmuxScreen;

  const start = () => {
    screen = startScreen(someone, [], { size: { columns: 120, rows: 36 } });
  };
  const shell = (name: string, script: string, host = {}) => container(docker, { name, script, host });
  /** Selects a container by its name, then removes the filter. */
  const select = async (name: string) => {
    screen.enter(`/${name}`);
    await screen.waitFor("this one alone", (text) => / 1 of 1 *$/.test(lastRow(text)) && text.includes(name));
  };

  it("keeps a container in a crash loop selected, shown and named as restarting under a filter that excludes it", async () => {
    const name = uniqueName("loop");
    const host = { RestartPolicy: { Name: "always", MaximumRetryCount: 0 } };
    const { handle, remove } = await created(docker, { name, script: "exit 3", host });
    await shell(uniqueName("beside"), "exec sleep 1000000");
    await handle.start();
    start();
    await screen.waitFor("the crash loop", (text) => /restarting, exit 3/.test(rowOf(text, name)));
    await select(`${name} restarting`);
    // While Docker starts the container it has neither state, but it stays selected.
    await screen.waitFor("a restart", (text) => /restarting, exit 3 .* [1-9]\d* +/.test(rowOf(text, name)));
    expect(lastRow(screen.text())).toContain(`/${name} restarting`);
    await remove();
    await screen.waitFor(
      "its removal",
      (text) => /removed/.test(rowOf(text, name)) && lastRow(text).includes(`${name} was removed`),
    );
    screen.keys("Enter");
    await screen.waitFor("why there are no files", (text) => lastRow(text).includes(`${name} was removed`));
  });

  it("shows why a container ended, and opens its files", async () => {
    const name = uniqueName("ended");
    const one = await shell(name, "mkdir -p /srv; echo left > /srv/note; exec sleep 1000000");
    await waitFor("its file", async () => (await someone.run(["stat", `${name}:/srv/note`])).code === 0);
    await one.handle.kill();
    start();
    await screen.waitFor("the reason", (text) => /exited 137, SIGKILL/.test(rowOf(text, name)));
    await select(name);
    screen.keys("Enter");
    await screen.waitFor("its files", has(`${name}:/`, "srv/"));
  });

  it("shows the health of a container as it changes", async () => {
    const name = uniqueName("health");
    const handle = await docker.api.createContainer({
      ...{ name, Image: await busyboxImage(docker), Labels: { "porthole.test": "1" } },
      Cmd: ["/bin/busybox", "sh", "-c", "touch /tmp/good; exec sleep 1000000"],
      Healthcheck: { Test: ["CMD", "/bin/busybox", "test", "-e", "/tmp/good"], Interval: 1e9, Retries: 1 },
      HostConfig: { NetworkMode: "none" },
    });
    onTestFinished(() => handle.remove({ force: true }));
    await handle.start();
    start();
    await screen.waitFor("its health", (text) => /running, healthy/.test(rowOf(text, name)));
    await startInside({ handle }, "rm /tmp/good");
    await screen.waitFor("the failed check", (text) => /running, unhealthy/.test(rowOf(text, name)));
  });
});
