import { expect, it } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { builtCommand } from "../helpers/paths.ts";
import { childrenOf, isRunning } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { screenOfTest } from "./screen.ts";

const end = (text: string) => text.split("\n").at(-2) ?? "";

describeWith(["tmux", "userNamespaces"], "porthole demo on a terminal", () => {
  const screen = screenOfTest();

  it("follows a log in its sandbox, shows the files around it and the open files, and leaves no process running", async () => {
    screen.run(`${process.execPath} ${builtCommand} demo`);
    const text = await screen.waitFor("the log", (shown) => end(shown).includes("FOLLOW") && /request \d+/.test(shown));
    expect(text.split("\n")[0]).toMatch(/^ sandbox:\/\S+ /);
    const pid = await screen.pid();
    const sandbox = await waitFor("the sandbox's processes", () => {
      const found = descendants(pid);
      return found.length > 0 && found;
    });
    const newest = (shown: string) =>
      Math.max(...[...shown.matchAll(/request (\d+) /g)].map(([, number]) => Number(number)));
    // An error message stays on the screen until the next message.
    screen.keys("M-e");
    await screen.waitFor("errors of one service, and the crash of the other", (shown) =>
      [/app\.log .* ERROR request /, /worker\.json .* FATAL /, /supervisor\.log .* worker exited with status 1/].every(
        (line) => line.test(shown),
      ),
    );
    screen.keys("M-e");
    await screen.waitFor("all lines", / INFO request /);
    await screen.waitFor("a line that came later", (shown) => newest(shown) > newest(text));
    screen.keys(".");
    await screen.waitFor("the files around it", (shown) => shown.includes("MODE") && / of \d+ *$/.test(end(shown)));
    screen.keys("q");
    await screen.waitFor("the log again", (shown) => end(shown).includes("FOLLOW"));
    screen.keys("O");
    await screen.waitFor("what is open", "open files");
    screen.keys("q");
    await screen.waitFor("the log again", (shown) => end(shown).includes("FOLLOW"));
    screen.keys("q");
    expect(await screen.waitForEnd()).toBe(0);
    expect(screen.state("#{alternate_on} #{cursor_flag} #{wrap_flag}")).toBe("0 1 1");
    await waitFor("the end of the sandbox", () => !sandbox.some(isRunning));
  });
});

function descendants(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendants(child)]);
}
