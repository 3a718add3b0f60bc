import { execFileSync } from "node:child_process";
import { appendFileSync, renameSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { rotatedNames } from "../../cli/tui/viewer/document/rotated-names.ts";
import { describeWith } from "../helpers/availability.ts";
import { screenOfTest, tells, toastOf } from "./screen.ts";

describe("the earlier files of a rotated log", () => {
  it("are those with a number or a date, oldest first", () => {
    const names = ["app.log", "app.log.1", "app.log.10.gz", "app.log.2.gz", "app.log.3.zst", "app.log-20260102"];
    expect(rotatedNames("app.log", [...names, "app.log-20260101.gz", "app.log.2026-01-03"])).toEqual([
      "app.log-20260101.gz",
      "app.log-20260102",
      "app.log.2026-01-03",
      "app.log.10.gz",
      "app.log.3.zst",
      "app.log.2.gz",
      "app.log.1",
    ]);
    const dates = ["app.log-20260131-1769853600", "app.log-20260131-1769850000.gz"];
    expect(rotatedNames("app.log", dates)).toEqual(["app.log-20260131-1769850000.gz", "app.log-20260131-1769853600"]);
  });

  it("do not include other files, or a file twice while it is being compressed", () => {
    const others = [
      "app.log",
      "app.log.bak",
      "app.logger.1",
      "my-app.log.1",
      "app.log.swp",
      "app.log.1.old",
      "app.log.gz",
    ];
    expect(rotatedNames("app.log", others)).toEqual([]);
    expect(rotatedNames("app.log", ["app.log.1", "app.log.1.gz"])).toEqual(["app.log.1"]);
  });
});

describeWith("tmux", "a rotated log on the screen", () => {
  const screen = screenOfTest();

  const body = (text: string) => text.split("\n").slice(1, 14);

  it("is one text from its oldest file to the newest, which is followed through a rotation", async () => {
    const path = screen.file("app.log", "five\n");
    writeFileSync(`${path}.1`, "four\n");
    writeFileSync(`${path}.2.gz`, gzipSync("two\nthree\n"));
    writeFileSync(`${path}.3.gz`, "broken");
    writeFileSync(`${path}-20260101`, "one\n");
    await screen.open("--rotated", path, "+F");
    await screen.waitFor("all files in order", (text) => {
      const lines = body(text).filter((line) => !line.startsWith("──"));
      return lines.join(" ").startsWith("one broken two three four five");
    });
    // Each file is after a row with its name, the oldest one too.
    expect(body(screen.text())[0]).toMatch(/^── here begins app\.log-20260101 ─/);
    await screen.waitFor("the count of the lines", "local, file, 4 earlier files");
    renameSync(`${path}.1`, `${path}.9`);
    renameSync(path, `${path}.1`);
    writeFileSync(path, "six\n");
    await screen.waitFor("the new file", /^six$/m);
    appendFileSync(path, "seven\n");
    await screen.waitFor("all of it", /^one$/m, /^four$/m, /^seven$/m);
  });

  it("is folded if its lines are JSON", async () => {
    const line = (text: string) => `{"time":"2026-01-02T03:04:05Z","level":"info","msg":"${text}"}\n`;
    const path = screen.file("app.log", line("newer") + line("newest"));
    writeFileSync(`${path}.1`, line("oldest"));
    await screen.open("--rotated", path);
    const text = await screen.waitFor("all lines", "oldest", "newest");
    expect(text).not.toContain('"msg"');
  });

  it("can be opened from its text, and reports if there are no earlier files", async () => {
    const path = screen.file("app.log", "new\n");
    await screen.open(path);
    screen.keys("M-r");
    await screen.waitFor("that there is none", tells("has no earlier files"));
    writeFileSync(`${path}.1.gz`, gzipSync("old\n").subarray(0, 20));
    writeFileSync(`${path}.2`, "older\n");
    screen.keys("M-r");
    await screen.waitFor("the file that can be read", /^older$/m, /^new$/m);
    await screen.waitFor("the other one", (text) => /not shown: .*app\.log\.1\.gz/.test(toastOf(text)));
    screen.keys("q");
    await screen.waitFor("the text alone", (text) => !/^older$/m.test(text));
    expect(execFileSync("ls", [screen.directory], { encoding: "utf8" })).toContain("app.log.1.gz");
  });
});
