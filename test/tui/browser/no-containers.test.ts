import { expect, it } from "vitest";
import { fakeEngine } from "../../engines/fake-engine.ts";
import { describeWith } from "../../helpers/availability.ts";
import { builtCommand } from "../../helpers/paths.ts";
import { quoted, screenOfTest, tells } from "../screen.ts";

describeWith("tmux", "the list of containers", () => {
  const screen = screenOfTest();

  it("says what to do if the engine has none", async () => {
    const { socketPath } = await fakeEngine((path) => {
      if (path.startsWith("/events")) return { status: 200, body: undefined, stays: true };
      return { status: 200, body: path.startsWith("/containers/json") ? [] : {} };
    });
    screen.run(`${process.execPath} ${builtCommand} --engine ${quoted(socketPath)}`);
    const text = await screen.waitFor("the empty list", (shown) => shown.includes("no containers"));
    expect(text.split("\n").map((row) => row.trim())).toEqual(
      expect.arrayContaining([
        "no containers: none is running and none is stopped",
        "start one, for example with docker run or docker compose up: it appears here",
        "B lists namespaces of processes; porthole PATH shows local files",
      ]),
    );
    screen.keys("Enter");
    await screen.waitFor("the same after Enter", (shown) => shown.split("no containers: none is running").length === 3);
    screen.type("Q");
    expect(await screen.waitForEnd()).toBe(0);
  });

  it("says that the filter leaves none, and not that none is running", async () => {
    const container = { Id: "a".repeat(64), Names: ["/web"], Image: "shop", State: "exited", Status: "Exited (0)" };
    const { socketPath } = await fakeEngine((path) => {
      if (path.startsWith("/events")) return { status: 200, body: undefined, stays: true };
      return { status: 200, body: path.startsWith("/containers/json") ? [container] : {} };
    });
    screen.run(`${process.execPath} ${builtCommand} --engine ${quoted(socketPath)}`);
    await screen.waitFor("the container", /^ web +exited/m);
    screen.keys("/");
    screen.enter("other");
    await screen.waitFor("the empty list", /^ no item contains 'other'\n Esc shows all$/m);
    screen.keys("Enter");
    await screen.waitFor("the reason", tells("no container contains 'other'"));
    screen.keys("*");
    await screen.waitFor("the reason", tells("no container contains 'other'"));
  });
});
