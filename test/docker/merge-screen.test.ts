import { afterAll, expect, it } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { type Container, container, engine, startInside, uniqueName } from "../helpers/engine.ts";
import { user } from "../helpers/porthole.ts";
import type { TmuxScreen } from "../tui/screen.ts";
import { has, startScreen } from "./porthole-screen.ts";

describeWith(["docker", "tmux"], "porthole open --merge with patterns", () => {
  const docker = engine("docker");
  const someone = user({ engine: docker });
  let screen: TmuxScreen;
  afterAll(() => someone.close());

  /** Starts a container that writes a word to its output and to a log. */
  const speaker = async (name: string, word: string): Promise<Container> =>
    container(docker, { name, script: `echo ${word} | tee /tmp/x.log; exec sleep 1000` });
  const start = (...args: string[]) => {
    screen = startScreen(someone, ["open", "--merge", ...args.map((arg) => `'${arg}'`)], {
      size: { columns: 140, rows: 24 },
    });
  };
  /** Returns a check for a line of a source. */
  const says = (source: string, text: string) => (shown: string) =>
    shown.split("\n").some((row) => row.startsWith(source) && row.includes(`| ${text}`));

  it("adds containers and files that match later, each with its name", async () => {
    const prefix = uniqueName("many");
    const first = await speaker(`${prefix}-a`, "first");
    start(`${prefix}-*:@logs`, `${prefix}-*:/tmp/*.log`);
    await screen.waitFor("both sources", has("2 sources merged by time", "| first"));
    await speaker(`${prefix}-b`, "second");
    await screen.waitFor("the output of the new container", says(`${prefix}-b`, "second"));
    await screen.waitFor("its log", has("4 sources merged by time", `${prefix}-b:`));
    await startInside(first, "echo later > /tmp/y.log");
    await screen.waitFor("the new file", has("5 sources merged by time", "| later"));
    screen.keys("Q");
    expect(await screen.waitForEnd()).toBe(0);
  });

  it("waits for a pattern without matches if another target has one, and names it", async () => {
    const prefix = uniqueName("late");
    const one = await speaker(uniqueName("one"), "here");
    start(`${one.name}:@logs`, `${prefix}-*:@logs`);
    await screen.waitFor("what it waits for", has("| here", `no container matches '${prefix}-*'`, "waiting for it"));
    await speaker(`${prefix}-a`, "joined");
    await screen.waitFor("the container", says(`${prefix}-a`, "joined"));
    screen.keys("Q");
    expect(await screen.waitForEnd()).toBe(0);
  });

  it("reports an error if no pattern has a match", async () => {
    start(`${uniqueName("none")}-*:@logs`, `${uniqueName("none")}-*:@logs`);
    expect(await screen.waitForEnd()).toBe(3);
    await expect.poll(() => screen.text()).toContain("no container matches");
  });
});
