import { expect, it } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { builtCommand } from "../helpers/paths.ts";
import { screenOfTest } from "./screen.ts";

describeWith("tmux", "files that fail a read(2) of one byte", () => {
  const screen = screenOfTest();

  // The kernel accepts only reads of whole eight-byte words of pagemap, and returns EINVAL for
  // others.
  it("are read as far as possible", async () => {
    await screen.open("--hex", "/proc/self/pagemap");
    await screen.waitFor("its bytes", /\n0000000000( {1,2}[\da-f]{2}){16} /);
    screen.keys("q");
    expect(await screen.waitForEnd()).toBe(0);
  });

  it("do not end the screen", async () => {
    screen.run(`${process.execPath} ${builtCommand} /proc/self`);
    await screen.waitFor("the files", "1 of ");
    screen.enter("/pagemap");
    await screen.waitFor("the only one", "1 of 1");
    screen.keys("Enter");
    await screen.waitFor("the file", / byte [\d,]+ of [\d,]+ *$/m);
    screen.keys("q");
    await screen.waitFor("the list again", "1 of 1");
    screen.type("Q");
    expect(await screen.waitForEnd()).toBe(0);
  });
});
