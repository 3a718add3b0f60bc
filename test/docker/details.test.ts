import { expect, it } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { type Container, container, engine, startInside, uniqueName } from "../helpers/engine.ts";
import { engineProxy } from "../helpers/engine-proxy.ts";
import { user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";
import type { TmuxScreen } from "../tui/screen.ts";
import { has, lastRow, panelOf, startScreen } from "./porthole-screen.ts";

describeWith(["docker", "tmux"], "the details of the selected container", () => {
  const docker = engine("docker");
  const someone = user({ engine: docker });
  let screen: TmuxScreen;

  const shell = async (script: string, prefix: string): Promise<Container> =>
    container(docker, { name: uniqueName(prefix), script });
  /** Writes a line of output for each file `/tmp/N` that appears. */
  const speaker = `mkdir -p /var/log/app
    echo entry > /var/log/app/main.log
    i=1
    while :; do if [ -e /tmp/$i ]; then echo "said $i"; i=$((i+1)); fi; sleep 0.1; done`;
  const say = (container: Container, number: number) => startInside(container, `touch /tmp/${number}`);
  const start = (columns: number, rows: number, env: Record<string, string> = {}) => {
    screen = startScreen(someone, [], { size: { columns, rows }, env });
  };
  const select = async (name: string) => {
    screen.type("/");
    screen.keys("C-u");
    screen.enter(name);
    await screen.waitFor("this one alone", (text) => / 1 of 1 *$/.test(lastRow(text)) && text.includes(name));
  };

  it.each([
    { columns: 120, rows: 36 },
    { columns: 200, rows: 50 },
  ])(
    "are next to the list at $columns columns: image, route, usage, log files, and output as it is written",
    async (size) => {
      const one = await shell(speaker, "details");
      start(size.columns, size.rows);
      await screen.waitFor("the container", has(one.name));
      await select(one.name);
      await say(one, 1);
      await screen.waitFor("its facts", (text) => {
        const panel = panelOf(text);
        return (
          panel.startsWith(`${one.name}  running`) &&
          // Another test file may have rebuilt the image, which removes the name of this one.
          /^IMAGE +(localhost\/porthole-test:|sha256:)/m.test(panel) &&
          /^ROUTE +direct$/m.test(panel) &&
          /^LOG FILES +\/var\/log\/app\/main\.log +6 /m.test(panel) &&
          /^CPU/m.test(panel) &&
          /^OUTPUT ─+ L shows all$/m.test(panel) &&
          /^said 1$/m.test(panel)
        );
      });
      await say(one, 2);
      await screen.waitFor("the next line", (text) => /^said 1\nsaid 2$/m.test(panelOf(text)));
      await startInside(one, "echo more >> /var/log/app/main.log");
      await screen.waitFor("the new size of the log", (text) => /^LOG FILES +\S+main\.log +11 /m.test(panelOf(text)));
      screen.keys("P");
      await screen.waitFor("the list alone", (text) => panelOf(text) === "");
      screen.keys("P");
      await screen.waitFor("the details", (text) => /^said 2$/m.test(panelOf(text)));
      screen.type("Q");
      expect(await screen.waitForEnd()).toBe(0);
    },
  );

  it("are below the list at 80 columns after P is pressed, with the last words of a container that ended", async () => {
    const one = await shell("while [ ! -e /tmp/1 ]; do sleep 0.1; done; echo last words; exit 3", "ended");
    await say(one, 1);
    await waitFor("its end", async () => (await one.handle.inspect()).State.Running === false);
    start(80, 24);
    await screen.waitFor("the container", has(one.name));
    await select(one.name);
    expect(screen.text()).not.toContain("last words");
    screen.keys("P");
    await screen.waitFor("its details", (text) =>
      [`\n ${one.name}  exited 3 ─`, "\n OUTPUT ─", "\n last words"].every((words) => text.includes(words)),
    );
    screen.resize({ columns: 120, rows: 36 });
    await screen.waitFor("the details beside the list", (text) => /^last words$/m.test(panelOf(text)));
    screen.resize({ columns: 80, rows: 12 });
    // The terminal is resized before porthole redraws: wait for the key hints of 80 columns.
    await screen.waitFor("the list alone", (text) => {
      const rows = text.split("\n");
      const isDrawn = rows[0]?.startsWith(" Containers ") && rows[11]?.endsWith("q quit");
      return rows.length === 12 && isDrawn === true && !text.includes("last words");
    });
    screen.keys("P", "P");
    await screen.waitFor("the reason", has("no room for the details"));
  });

  it("request a container's output only while it is selected and visible", async () => {
    const proxy = await engineProxy(docker);
    const first = await shell(speaker, "pa");
    const second = await shell(speaker, "pb");
    start(120, 36, { DOCKER_HOST: proxy.host });
    const streams = ({ id }: Container) =>
      proxy.ongoing().filter((line) => line.includes(`/containers/${id}/logs`)).length;
    await screen.waitFor("the containers", has(first.name, second.name));
    await select(first.name);
    await waitFor("a stream of the first", () => streams(first) === 1);
    await select(second.name);
    await waitFor("a stream of the second alone", () => streams(first) === 0 && streams(second) === 1);
    screen.keys("P");
    await waitFor("no stream", () => streams(second) === 0);
    screen.keys("P");
    await waitFor("a stream again", () => streams(second) === 1);
    screen.keys("M");
    await screen.waitFor("the mounts", has(`${second.name}  mounts`));
    await waitFor("no stream behind another view", () => streams(second) === 0);
    screen.type("Q");
    expect(await screen.waitForEnd()).toBe(0);
    await waitFor("the end of all requests", () => proxy.ongoing().length === 0);
  });

  it("show escape sequences of the output as text, and keep up with a container that floods its output", async () => {
    const hostile = await shell("printf '\\033]0;pwned\\007 \\033[2J end\\n'; exec sleep 1000000", "hostile");
    const flood = await shell('i=0; while :; do i=$((i+1)); echo "flood $i"; done', "flood");
    start(120, 36);
    await screen.waitFor("the containers", has(hostile.name, flood.name));
    await select(hostile.name);
    await screen.waitFor("its output", (text) => panelOf(text).includes("^[]0;pwned^G ^[[2J end"));
    await select(flood.name);
    const last = (text: string) => Number([...panelOf(text).matchAll(/^flood (\d+)$/gm)].at(-1)?.[1] ?? 0);
    await screen.waitFor("its output", (text) => last(text) > 0);
    const seen = last(screen.text());
    await screen.waitFor("later output", (text) => last(text) > seen + 1_000);
    await flood.remove();
    screen.type("Q");
    expect(await screen.waitForEnd()).toBe(0);
  });
});
