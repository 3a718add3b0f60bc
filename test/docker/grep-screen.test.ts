import { beforeAll, expect, it } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { type Container, container, engine, uniqueName } from "../helpers/engine.ts";
import { user } from "../helpers/porthole.ts";
import { has, lastRow, startScreen } from "./porthole-screen.ts";

describeWith(["docker", "tmux"], "a search of several containers from their list", () => {
  const docker = engine("docker");
  const someone = user({ engine: docker });
  let first: Container;
  let second: Container;

  beforeAll(async () => {
    const with_ = (text: string) => ({
      name: uniqueName("searched"),
      steps: ["dir", "/var", "dir", "/var/log", "write", "/var/log/app.log", text],
    });
    first = await container(docker, with_("ok\nERROR of the first"));
    second = await container(docker, with_("ERROR of the second"));
  });

  it("lists matching lines of the containers that match the filter, and opens the file of a line at its match", async () => {
    const screen = startScreen(someone, [], { size: { columns: 100, rows: 24 } });
    await screen.waitFor("the containers", has("Containers", "STATE"));
    screen.enter("/searched");
    await screen.waitFor("both", (text) => has(first.name, second.name)(text) && / of 2 *$/.test(lastRow(text)));
    screen.type("*");
    await screen.waitFor("the question", (text) => lastRow(text).startsWith("grep in 2 containers:"));
    screen.enter("ERR[O]R");
    await screen.waitFor("the directory", (text) => lastRow(text).startsWith("in the directory: /var/log"));
    screen.keys("Enter");
    const found = await screen.waitFor("the lines", (text) => lastRow(text).includes("2 in 2 files"));
    for (const { name } of [first, second]) expect(found).toContain(`▾ ${name}:/var/log/app.log  1 line`);
    screen.enter("/of the first");
    await screen.waitFor("one line", (text) => / 1 of 1 *$/.test(lastRow(text)));
    screen.keys("Enter");
    await screen.waitFor(
      "the text at its match",
      (text) => has(`${first.name}:/var/log/app.log`, "ERROR of the first")(text) && lastRow(text).includes("1 of 1"),
    );
    screen.keys("q");
    await screen.waitFor("the lines again", (text) => lastRow(text).includes("2 in 2 files"));
  });
});
