import { it } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { container, engine, uniqueName } from "../helpers/engine.ts";
import { user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { tells } from "../tui/screen.ts";
import { has, startScreen } from "./porthole-screen.ts";

describeWith(["docker", "tmux"], "a text whose container is removed", () => {
  it("reports it in a message and in a row, and the text stays readable", async () => {
    const on = engine("docker");
    const { name, handle } = await container(on, {
      name: uniqueName("goes"),
      script: "seq 50 | sed 's/^/line /' > /new; mv /new /app.log; exec sleep 1000",
    });
    const someone = user({ engine: on });
    await waitFor("the file", async () => (await someone.run(["stat", `${name}:/app.log`])).code === 0);
    const screen = startScreen(someone, ["open", `${name}:/app.log`, "+G"]);
    await screen.waitFor("the end", has("line 50"));
    await handle.remove({ force: true });
    await screen.waitFor("the message", tells("has ended"));
    screen.keys("G");
    await screen.waitFor("the row", /\nline 50\n── the container or its agent has ended/);
    screen.keys("g");
    await screen.waitFor("the start", (text) => text.split("\n")[1] === "line 1");
  });
});
