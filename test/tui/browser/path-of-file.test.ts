import { writeFileSync } from "node:fs";
import { it } from "vitest";
import { describeWith } from "../../helpers/availability.ts";
import { builtCommand } from "../../helpers/paths.ts";
import { screenOfTest } from "../screen.ts";

describeWith("tmux", "porthole with the path of a file", () => {
  const screen = screenOfTest();

  it("opens its text, and below the text its directory with the file selected", async () => {
    const path = screen.file("app.log", "the text\n");
    for (const name of ["app.log.1", "app.log.2", "other"]) writeFileSync(path.replace("app.log", name), "x\n");
    screen.run(`${process.execPath} ${builtCommand} ${path}`);
    await screen.waitFor("the text", (text) => text.split("\n")[1] === "the text");
    screen.keys("q");
    await screen.waitFor("the file in its directory", (text) =>
      / 2 earlier files \(Alt-r opens all\).* 1 of 5/.test(text),
    );
    screen.keys("G");
    await screen.waitFor("a file alone", (text) => text.includes("5 of 5") && !text.includes("earlier files"));
  });
});
