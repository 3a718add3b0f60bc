import { expect, it } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { container, type Engine, engine, startInside, uniqueName } from "../helpers/engine.ts";
import { amount, counted } from "../helpers/extent.ts";
import { user } from "../helpers/porthole.ts";
import { peakMemoryMb } from "../helpers/processes.ts";
import { has, startScreen } from "./porthole-screen.ts";

const LINES = amount(500_000, 100_000);

describeWith(["docker", "tmux"], "a container's own output on the screen", () => {
  const printing = (on: Engine, script: string) => container(on, { name: uniqueName("says"), script });

  it("is followed through the end and the restart of the container, scrolls and is searched", async () => {
    const on = engine("docker");
    // The engine reads both streams concurrently: write the error after the lines were read.
    const target = await printing(
      on,
      "rm -f /go; seq 500 | sed 's/^/line /'; until [ -e /go ]; do sleep 0.1; done; echo ERROR at last >&2; exec sleep 1000",
    );
    const screen = startScreen(user({ engine: on }), ["open", `${target.name}:@logs`], {
      size: { columns: 80, rows: 14 },
    });
    await screen.waitFor("the lines", has("line 500", "FOLLOW"));
    await startInside(target, "touch /go");
    await screen.waitFor("the end", has("ERROR at last", "FOLLOW"));
    screen.keys("g");
    await screen.waitFor("the start", /^line 1 *$/m);
    screen.enter("/ 25.$");
    await screen.waitFor("the matches", has("line 250", "1 of 10"));
    screen.keys("G");
    await screen.waitFor("the end", has("ERROR at last"));
    await target.handle.kill();
    await screen.waitFor("the end of the container", has("the container has ended with status 137"));
    await target.handle.start();
    await screen.waitFor("its output after the restart", (text) => text.includes("line 500") && !text.includes("137"));
    await startInside(target, "touch /go");
    await screen.waitFor("its end", has("line 500", "ERROR at last"));
    screen.enter("?has ended|was restarted");
    await screen.waitFor("what happened", has("of 2"));
  });

  it(`of ${counted(LINES)} lines is scrolled, searched and filtered in less than 170 MB`, async () => {
    const on = engine("docker");
    const line = "2026-01-02T03:04:05.123Z INFO worker GET /api/v1/items/123456 handled in 12 ms status=200 bytes=5123";
    const target = await printing(on, `yes "${line}" | head -n ${LINES}; echo the last line; exec sleep 1000`);
    const screen = startScreen(user({ engine: on }), ["open", `${target.name}:@logs`]);
    await screen.waitFor("the end", has("the last line", "FOLLOW"));
    screen.keys("g");
    await screen.waitFor("the start", "byte 0 of");
    screen.answer("/", "last");
    await screen.waitFor("the match", has("the last line", "1 of 1"));
    screen.answer("&", "status=2");
    // The last line has no time: it stays with its record.
    await screen.waitFor("the filtered lines", has(`&status=2  ${counted(LINES + 1)} `));
    expect(peakMemoryMb(await screen.pid())).toBeLessThan(170);
  });

  it("of an ended container is shown, and also one stream alone", async () => {
    const on = engine("docker");
    const target = await printing(on, "echo good; echo bad >&2; exec sleep 1000");
    await target.handle.kill();
    const screen = startScreen(user({ engine: on }), ["open", `${target.name}:@stderr`], {
      size: { columns: 80, rows: 10 },
    });
    const end = "the container has ended with status 137";
    expect(await screen.waitFor("the stream", has("bad", end))).not.toContain("good");
    await screen.waitFor("its exit in the title", (text) => /output, exited 137, SIGKILL, \d+ \w+ ago *\n/.test(text));
    await target.handle.start();
    await screen.waitFor("its next life", (text) => / output *\n/.test(text));
  });

  it("is merged by time with the output of another container and with a file, if all are marked", async () => {
    const on = engine("docker");
    const one = await printing(on, "echo first; sleep 0.3; echo third; exec sleep 1000");
    const log = "2001-01-01T00:00:00Z oldest";
    const other = await printing(on, `mkdir /log; echo ${log} > /log/app.log; echo on the way >&2; exec sleep 1000`);
    const screen = startScreen(user({ engine: on }), [`${other.name}:/log`], { size: { columns: 80, rows: 14 } });
    await screen.waitFor("the file", has("app.log"));
    screen.keys("Space");
    await screen.waitFor("its mark", has("*app.log"));
    screen.keys("C");
    await screen.waitFor("the containers", has(one.name, other.name, "1 marked (F follows)"));
    // The filter keeps a single container, which is then selected.
    for (const [index, { name }] of [one, other].entries()) {
      screen.enter(`/${name}`);
      await screen.waitFor("the container alone", has("1 of 1"));
      screen.keys("Space");
      await screen.waitFor("its mark", has(`*${name}`, `${index + 2} marked`));
      screen.keys("Escape");
      await screen.waitFor("both containers", has(one.name, other.name));
    }
    screen.keys("L");
    const lines = await screen.waitFor("all lines", has("oldest", "on the way", "first", "third", "FOLLOW"));
    expect(lines).toMatch(/app\.log *\| 2001-01-01T00:00:00Z oldest\n/);
    expect(lines).toMatch(new RegExp(`${one.name} *\\| first\n(.*\n)*${one.name} *\\| third`));
    expect(lines.indexOf("oldest")).toBeLessThan(lines.indexOf("first"));
    await one.handle.kill();
    await screen.waitFor("its end", has("the container has ended with status 137", "oldest"));
  });
});
