import { expect, onTestFinished, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { busyboxImage, container, engine, uniqueName } from "../helpers/engine.ts";
import { user } from "../helpers/porthole.ts";
import { has, lastRow, startScreen } from "./porthole-screen.ts";

describeWith(["docker", "tmux"], "a view of a container that is removed", () => {
  test.each([
    ["files", [], "app.log"],
    ["open files", ["O"], "ACCESS"],
    ["mounts", ["M"], "MOUNT POINT"],
  ])("reports it without a key, and keeps its rows: %s", async (_, keys, word) => {
    const on = engine("docker");
    const name = uniqueName("vanishes");
    const script = "mkdir /log; echo x > /log/app.log; exec sleep 1000";
    const image = await busyboxImage(on);
    const target = await container(on, { name, image, command: ["/bin/busybox", "sh", "-c", script] });
    const screen = startScreen(user({ engine: on }), [`${name}:/log`], { size: { columns: 120, rows: 14 } });
    onTestFinished(() => screen.close());
    await screen.waitFor("the files", has("app.log"));
    screen.keys(...keys);
    await screen.waitFor("the view", has(word));
    await target.handle.remove({ force: true });
    const text = await screen.waitFor("the message", (shown) => lastRow(shown).includes(`${name} is disconnected`));
    expect(text).toContain(word);
    screen.keys("r");
    await screen.waitFor("the reason", has(`no such container: '${name}'`));
  });
});
