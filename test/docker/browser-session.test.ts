import { expect, it } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { container, engine, startInside, uniqueName } from "../helpers/engine.ts";
import { user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";
import type { TmuxScreen } from "../tui/screen.ts";
import { has, lastRow, startScreen } from "./porthole-screen.ts";

const script = `
mkdir -p /var/log
i=0; while [ $i -lt 200 ]; do i=$((i + 1)); echo "line $i of the log"; done > /var/log/app.log
: > /ready; exec sleep 1000000`;

describeWith(["docker", "tmux"], "a session with the screen", () => {
  const docker = engine("docker");
  const someone = user({ engine: docker });
  let screen: TmuxScreen;

  const start = (...args: string[]) => {
    // The screen has room for the containers of tests that run at the same time.
    screen = startScreen(someone, args, { size: { columns: 80, rows: 100 } });
  };
  /** Filters the list by `words`, and opens the first item. */
  const choose = async (words: string) => {
    screen.answer("/", words);
    await screen.waitFor(
      `only ${words}`,
      (text) => lastRow(text).startsWith(` /${words}`) && / 1 of 1 *$/.test(lastRow(text)),
    );
    screen.keys("Enter");
  };

  it("opens a log from the containers, follows it through rotation, searches, resizes, and restores the terminal", async () => {
    const web = await container(docker, { name: uniqueName("web"), script });
    await waitFor("the log", async () => (await someone.run(["stat", `${web.name}:/ready`])).code === 0);
    start();
    await screen.waitFor("the containers", has("Containers", web.name, "direct"));
    await choose(web.name);
    await screen.waitFor("its files", has(` ${web.name}:/ `, "var/"));
    await choose("var");
    await screen.waitFor("/var", has(` ${web.name}:/var `, "log/"));
    await choose("log");
    await screen.waitFor("/var/log", has(` ${web.name}:/var/log `, "app.log"));
    screen.keys("Enter");
    await screen.waitFor("the log", (text) => text.split("\n")[1] === "line 1 of the log");
    screen.keys("F");
    await screen.waitFor(
      "its end",
      (text) => text.includes("\nline 200 of the log\n") && lastRow(text).includes("FOLLOW"),
    );
    await startInside(web, "echo one more >> /var/log/app.log");
    await screen.waitFor("a new line", has("\none more\n"));
    await startInside(web, "cd /var/log && mv app.log app.log.1 && echo first of the new file > app.log");
    await screen.waitFor("the rotation", /\none more\n── rotated: .*─\nfirst of the new file\n/);
    await startInside(web, "echo second of it >> /var/log/app.log");
    await screen.waitFor("the new file's growth", has("\nsecond of it\n"));
    screen.answer("\\", "line 42 ");
    await screen.waitFor("the match", (text) => text.split("\n")[1] === "line 42 of the log");
    for (const size of [
      { columns: 80, rows: 24 },
      { columns: 200, rows: 50 },
      { columns: 100, rows: 30 },
    ]) {
      screen.resize(size);
      const title = ` ${web.name}:/var/log/app.log`;
      const isWhole = (text: string) => {
        const rows = text.split("\n");
        return (
          rows.length === size.rows &&
          rows[0]?.startsWith(title) === true &&
          rows[0].length > size.columns - 3 &&
          rows[1] === "line 42 of the log" &&
          rows.slice(2, -2).every((row) => /^line \d+ of the log$/.test(row)) &&
          / byte [\d,]+ of [\d,]+ *$/.test(rows.at(-2) ?? "")
        );
      };
      await screen.waitFor(`${size.columns} x ${size.rows} without ghosts`, isWhole);
    }
    screen.keys("q");
    await screen.waitFor("the files", has("app.log.1"));
    screen.keys("Q");
    expect(await screen.waitForEnd()).toBe(0);
    expect(screen.state("#{alternate_on} #{cursor_flag} #{wrap_flag} #{mouse_any_flag}")).toBe("0 1 1 0");
  });

  it("shows a recreated container and opens the new container", async () => {
    const name = uniqueName("again");
    const first = await container(docker, { name, steps: ["dir", "/srv", "write", "/srv/old", "1"] });
    start();
    await screen.waitFor("the containers", has(name, "running"));
    await choose(name);
    await choose("srv");
    await screen.waitFor("the first one's files", has(`${name}:/srv`, "old"));
    screen.keys("q");
    await screen.waitFor("the containers", has("Containers", "1 of 1"));
    await first.remove();
    await screen.waitFor("its end", new RegExp(`${name} +removed`));
    await container(docker, { name, steps: ["dir", "/srv", "write", "/srv/new", "2"] });
    await screen.waitFor("the new one", new RegExp(`${name} +running `));
    // Running containers come first.
    screen.keys("g");
    await screen.waitFor("it alone", (text) => has(name, "running", "1 of 1")(text) && !text.includes("removed"));
    screen.keys("Enter");
    await screen.waitFor("its files", has(` ${name}:/ `, "srv/"));
    await choose("srv");
    await screen.waitFor("the new one's files", (text) => has(" new ")(text) && !has(" old ")(text));
    screen.keys("Q");
    expect(await screen.waitForEnd()).toBe(0);
  });

  it("shows the route of --route, or why it does not work", async () => {
    const { name } = await container(docker, { name: uniqueName("forced") });
    start("--route", "sidecar");
    await screen.waitFor("the route", new RegExp(`${name} .* sidecar `));
    screen.keys("Q");
    await screen.waitForEnd();
    screen.close();
    start("--route", "mount");
    await screen.waitFor("no route", new RegExp(`${name} .* none `));
    screen.answer("/", name);
    await screen.waitFor("the reason", (text) => lastRow(text).includes(`mount: '${name}'`));
    screen.keys("Q");
    expect(await screen.waitForEnd()).toBe(0);
  });
});
