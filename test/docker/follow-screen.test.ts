import { appendFileSync } from "node:fs";
import { expect, it } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { type Container, container, engine, firstProcess, uniqueName } from "../helpers/engine.ts";
import { user } from "../helpers/porthole.ts";
import { workloadReady } from "../helpers/processes.ts";
import type { TmuxScreen } from "../tui/screen.ts";
import { has, startScreen } from "./porthole-screen.ts";

/** Each start of the container writes a line. */
const STEPS = ["write", "/log", "began"];

describeWith(["docker", "tmux"], "following on the screen through a container's restart", () => {
  const docker = engine("docker");
  const someone = user({ engine: docker });
  let screen: TmuxScreen;

  const start = (...args: string[]) => {
    screen = startScreen(someone, args, { size: { columns: 100, rows: 24 } });
  };

  /** Restarts the container, and appends a line to its log after the restart. */
  async function restart(target: Container, line: string): Promise<void> {
    await target.handle.restart({ t: 5 });
    const pid = await firstProcess(target.handle);
    await workloadReady(pid);
    appendFileSync(`/proc/${pid}/root/log`, `${line}\n`);
  }

  async function quit(keys: string[]): Promise<void> {
    screen.keys(...keys);
    expect(await screen.waitForEnd()).toBe(0);
  }

  it.each(["direct", "sidecar"])(
    "continues in `porthole open --follow`, and a marked row reports it (%s)",
    async (route) => {
      const web = await container(docker, { name: uniqueName("web"), steps: STEPS });
      start("open", "--route", route, "--follow", `${web.name}:/log`);
      await screen.waitFor("the log", has("\nbegan\n", "FOLLOW"));
      const restarted = `── ${web.name}: the container was restarted; continuing ─`;
      await restart(web, "after the restart");
      await screen.waitFor("the row and the lines after it", has(restarted, "\nafter the restart\n", "FOLLOW"));
      // The earlier lines stay above the new line.
      await expect.poll(() => screen.text()).toMatch(/^began\n/m);
      await restart(web, "after the second");
      await screen.waitFor(
        "both rows",
        (text) => text.split(restarted).length === 3 && has("\nafter the second\n")(text),
      );
      await quit(["q"]);
    },
  );

  it("reports that the container has stopped, and continues when it runs again", async () => {
    const web = await container(docker, { name: uniqueName("web"), steps: STEPS });
    start("open", "--follow", `${web.name}:/log`);
    await screen.waitFor("the log", has("\nbegan\n", "FOLLOW"));
    await web.handle.stop({ t: 5 });
    await screen.waitFor("the wait", has(`── ${web.name}: container '${web.name}' is not running (exited); waiting`));
    await web.handle.start();
    // The restart wrote this line. It arrives through the open descriptor, earlier than through a
    // new attach.
    await screen.waitFor("its return", (text) => {
      const since = text.slice(text.indexOf("waiting"));
      return has("\nbegan\n", `── ${web.name}: the container was restarted; continuing ─`)(since);
    });
    await expect.poll(() => screen.text()).not.toContain("the path");
    await quit(["q"]);
  });

  it("continues in a file that was opened from the browser", async () => {
    const web = await container(docker, { name: uniqueName("web"), steps: STEPS });
    start("browse", `${web.name}:/`);
    await screen.waitFor("the files", has("log", "workload"));
    screen.keys("/");
    screen.type("log");
    await screen.waitFor("the filtered files", (text) => text.includes(" log") && !text.includes("workload"));
    screen.keys("Enter", "Enter");
    await screen.waitFor("the file", (text) => text.split("\n")[1] === "began");
    screen.keys("F");
    await screen.waitFor("the follow", has("FOLLOW"));
    await restart(web, "after the restart");
    await screen.waitFor(
      "the row and the lines after it",
      has(`── ${web.name}: the container was restarted; continuing ─`, "\nafter the restart\n"),
    );
    await quit(["Q"]);
  });

  it("continues in a merged follow, and reports it once for all files of the container", async () => {
    const steps = [...STEPS, "write", "/other", "began too"];
    const web = await container(docker, { name: uniqueName("web"), steps });
    start("browse", `${web.name}:/`);
    await screen.waitFor("the files", has("log", "other", "workload"));
    for (const name of ["log", "other"]) {
      screen.keys("/", "C-u");
      screen.type(name);
      await screen.waitFor(`only ${name}`, (text) => text.includes(` ${name}`) && !text.includes("workload"));
      screen.keys("Enter", "Space", "Escape");
      await screen.waitFor("all files", has("log", "other", "workload"));
    }
    screen.keys("F");
    await screen.waitFor("both", has("| began", "| began too", "2 files merged"));
    await restart(web, "after the restart");
    const text = await screen.waitFor(
      "the row and the lines after it",
      has(`${web.name}: the container was restarted; continuing`, "| after the restart"),
    );
    expect(text.split("was restarted").length).toBe(2);
    await quit(["Q"]);
  });
});
