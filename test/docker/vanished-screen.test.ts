import { expect, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { container, engine, uniqueName } from "../helpers/engine.ts";
import { user } from "../helpers/porthole.ts";
import { has, lastRow, startScreen } from "./porthole-screen.ts";

const on = engine("docker");

describeWith(["docker", "tmux"], "a view of a container that is removed", () => {
  test.each([
    ["files", [], "app.log"],
    ["open files", ["O"], "ACCESS"],
    ["mounts", ["M"], "MOUNT POINT"],
  ])("reports it without a key press, and keeps its rows: %s", async (_, keys, word) => {
    const name = uniqueName("vanishes");
    const script = "mkdir /log; echo x > /log/app.log; exec sleep 1000";
    const target = await container(on, { name, script });
    const screen = startScreen(user({ engine: on }), [`${name}:/log`], { size: { columns: 120, rows: 14 } });
    await screen.waitFor("the files", has("app.log"));
    screen.keys(...keys);
    await screen.waitFor("the view", has(word));
    await target.handle.remove({ force: true });
    const text = await screen.waitFor("the message", (shown) => lastRow(shown).includes("NOT LIVE"));
    expect(text).toContain(word);
    screen.keys("r");
    await screen.waitFor("the reason", has(`no such container: '${name}'`));
  });

  test("keeps a marked container in the list until its mark is removed", async () => {
    const [gone, stays] = [`a-${uniqueName("marked")}`, `b-${uniqueName("other")}`];
    const target = await container(on, { name: gone });
    await container(on, { name: stays });
    const screen = startScreen(user({ engine: on }), [], { size: { columns: 120, rows: 24 } });
    await screen.waitFor("both containers", gone, stays);
    screen.answer("/", gone);
    await screen.waitFor("the container", (text) => !text.includes(stays));
    screen.keys("Space");
    await screen.waitFor("the mark", `*${gone}`);
    screen.keys("Escape");
    await screen.waitFor("both again", stays);
    screen.keys("/");
    screen.type(stays);
    screen.keys("Enter", "Escape");
    await target.remove();
    await screen.waitFor("its state", new RegExp(`\\*${gone} +removed`));
    screen.answer("/", gone);
    await screen.waitFor("the removed one alone", (text) => text.includes(`*${gone}`) && !text.includes(stays));
    screen.keys("Space");
    await screen.waitFor("no mark", (text) => !text.includes("marked (") && !text.includes(`*${gone}`));
  });
});
