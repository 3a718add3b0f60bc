import { spawnSync } from "node:child_process";
import { beforeAll, expect, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { type Container, container, engine } from "../helpers/engine.ts";
import { type User, user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";
import type { TmuxScreen } from "../tui/screen.ts";
import { has, lastRow, startScreen } from "./porthole-screen.ts";

/**
 * The container has a FIFO whose writer waits for a reader, a terminal device, and a pipe as its
 * descriptor 7.
 */
const HOLDER = `
mkdir -p /srv /tmp; cd /srv
mkfifo queue; (echo given > queue) &
mkfifo /tmp/7; exec 7<> /tmp/7; rm /tmp/7; echo held >&7
ln -s queue linked; ln -s /dev/stdout access.log; echo text > file
exec sleep 1000`;

const ASKS = "Reading consumes its data";
const UNTOUCHED = "not opened: no data was consumed";

describeWith(["docker", "tmux"], "Enter on a file where reading removes the data", () => {
  let someone: User;
  let target: Container;
  let screen: TmuxScreen;

  beforeAll(async () => {
    const docker = engine("docker");
    someone = user({ engine: docker });
    target = await container(docker, { script: HOLDER, tty: true });
    await waitFor("the files", async () => (await someone.run(["stat", `${target.name}:/srv/file`])).code === 0);
  });

  /**
   * Opens the list of a directory, with the cursor on the only remaining entry under the filter.
   */
  const at = async (directory: string, name: string) => {
    screen = startScreen(someone, [`${target.name}:${directory}`]);
    await screen.waitFor("the list", has(name));
    screen.keys("/");
    await screen.waitFor("the filter's prompt", (text) => lastRow(text).startsWith("/"));
    screen.enter(name);
    await screen.waitFor("the entry", (text) => /1 of 1/.test(lastRow(text)));
  };

  /** True while the FIFO's writer waits for its first reader: its open returns only after that. */
  const waits = () => {
    const { stdout } = spawnSync("docker", [
      "-H",
      someone.env.DOCKER_HOST ?? "",
      "top",
      target.name,
      "-eo",
      "pid,args",
    ]);
    return (
      stdout
        .toString()
        .split("\n")
        .filter((line) => line.includes("sh -c")).length === 1
    );
  };

  test("asks before it opens a FIFO, and opens it only after y", async () => {
    await at("/srv", "queue");
    for (const answer of ["Enter", "n", "Escape"]) {
      screen.keys("Enter");
      await screen.waitFor("the question", has(ASKS, "y read it"));
      screen.keys(answer);
      await screen.waitFor("the refusal", has(UNTOUCHED));
      expect(waits()).toBe(true);
      screen.keys("Down");
      await screen.waitFor("the list alone", (text) => !text.includes(UNTOUCHED));
    }
    screen.keys("Enter");
    await screen.waitFor("the question", has(ASKS));
    screen.keys("y");
    await screen.waitFor("the written data", (text) => text.split("\n")[1] === "given");
  });

  test.each([
    ["a link to a FIFO", "/srv", "linked", () => ASKS],
    ["a terminal", "/dev", "tty", () => ASKS],
    ["the container's own terminal", "/dev", "console", () => `${target.name}:@logs`],
    ["what makes terminals", "/dev", "ptmx", () => "Reading creates a terminal"],
  ])("asks at 80 columns for %s, and names it", async (_what, directory, name, question) => {
    await at(directory, name);
    screen.keys("Enter");
    await screen.waitFor(
      `the question for ${name}`,
      has(`${target.name}:${directory}/${name}`, question(), "y read it"),
    );
    screen.keys("Escape");
    await screen.waitFor("the list", (text) => !text.includes("y read it"));
  });

  test("names the container's output if a terminal or a link leads to it", async () => {
    await at("/srv", "access.log");
    screen.resize({ columns: 140, rows: 24 });
    screen.keys("Enter");
    await screen.waitFor("where the output is", has(`${target.name}:@logs`));
  });
});
