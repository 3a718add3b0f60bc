import { execFileSync } from "node:child_process";
import { afterEach, beforeAll, expect, it } from "vitest";
import { describeWith } from "../../helpers/availability.ts";
import { sandbox } from "../../helpers/namespaces.ts";
import { builtCommand } from "../../helpers/paths.ts";
import { TmuxScreen } from "../screen.ts";

describeWith(["tmux", "userNamespaces"], "a directory of more entries than the screen keeps", () => {
  let screen: TmuxScreen;
  let directory: string;
  /** Name of an entry beyond the limit. */
  let beyond: string;
  beforeAll(async () => {
    const { pid } = await sandbox({ steps: ["tmpfs", "/tmp"] });
    const inside = (script: string) =>
      execFileSync("sh", ["-c", script], { cwd: `/proc/${pid}/root/tmp`, encoding: "utf8" }).trim();
    beyond = inside("mkdir many; seq -f many/n%.0f 200005 | xargs touch; ls -U many | tail -n 1");
    directory = `pid:${pid}:/tmp/many`;
  });
  afterEach(() => screen.close());

  it("is shown up to the 200,000th entry, and the limit is reported", async () => {
    screen = new TmuxScreen();
    screen.run(`${process.execPath} ${builtCommand} ${directory}`);
    const text = await screen.waitFor("the end of the list", "only the first");
    expect(text.split("\n").at(-2)).toMatch(/only the first: p goes to a path {2}1 of 200,000$/);
    screen.type("Q");
    expect(await screen.waitForEnd()).toBe(0);
  });

  it("opens the other entries by name", async () => {
    screen = new TmuxScreen();
    screen.run(`${process.execPath} ${builtCommand} ${directory}`);
    await screen.waitFor("the end of the list", "only the first");
    screen.enter(`p${beyond}`);
    await screen.waitFor("the file itself", `many/${beyond} `);
    screen.keys(".");
    await screen.waitFor("the lines around it", "only the first");
    // A key that is pressed just before the list is complete has no effect: press it again.
    await screen.waitFor("its end, not the file again", (shown) => {
      if (shown.includes("200,000 of 200,000")) return true;
      screen.keys("G");
      return false;
    });
    screen.type("Q");
    expect(await screen.waitForEnd()).toBe(0);
  });
});
