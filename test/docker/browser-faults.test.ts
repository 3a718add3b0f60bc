import { expect, it } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { container, engine, image, uniqueName } from "../helpers/engine.ts";
import { user } from "../helpers/porthole.ts";
import { findProcesses } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { CONTROL, HOSTILE } from "../text/hostile.ts";
import type { ScreenSize, TmuxScreen } from "../tui/screen.ts";
import { has, startScreen } from "./porthole-screen.ts";

/** The end of an interrupted frame (CAN), which may follow the beginning of a sequence. */
const CUT = /(?:\x1b(?:\[[0-9;?]*)?)?\x18/;

/** Sequences that the screen itself sends. */
const OWN = /\x1b\]11;\?\x1b\\|\x1b\[(?:\?(?:1049|25|2004|7|2026|1002|1006)[hl]|\d+;\d+[Hr]|[0-9;]*m|\d+[ST]|r|K)/g;

describeWith(["docker", "tmux"], "the browser after a fault", () => {
  const docker = engine("docker");
  const someone = user({ engine: docker });
  let screen: TmuxScreen;

  const start = (size: ScreenSize, args: string[], env: Record<string, string> = {}) => {
    screen = startScreen(someone, args, { size, env });
  };

  it("reports a killed agent and a stopped container, and continues when they are started again", async () => {
    const web = await container(docker, {
      name: uniqueName("web"),
      steps: ["dir", "/srv", "write", "/srv/log", "first"],
    });
    start({ columns: 80, rows: 24 }, ["browse", `${web.name}:/srv`]);
    await screen.waitFor("the files", has(`${web.name}:/srv`, "log"));
    const agents = () =>
      findProcesses(
        ({ args }) => args.includes("--target-pid") && args[args.indexOf("--target-pid") + 1] === String(web.pid),
      );
    const [agent] = await waitFor("the agent", () => agents().length > 0 && agents());
    process.kill(agent ?? 0, "SIGKILL");
    await waitFor("its end", () => !agents().includes(agent ?? 0));
    screen.keys("r");
    await screen.waitFor("the files, through a new agent", has("log", "1 of 1"));
    screen.keys("Enter");
    await screen.waitFor("the file", (text) => text.split("\n")[1] === "first");
    await web.remove();
    // The list shows the open files of the agent until it notices the end.
    await waitFor("the end of the new agent", () => agents().length === 0);
    screen.keys("q", "r");
    await screen.waitFor("why there are none", has(`no such container: '${web.name}'`));
    expect(screen.state("#{alternate_on}")).toBe("1");
    screen.keys("q");
    expect(await screen.waitForEnd()).toBe(0);
    expect(screen.state("#{alternate_on} #{cursor_flag} #{wrap_flag}")).toBe("0 1 1");
  });

  it("shows containers as they start and end, and reports that no container runs or that no engine is available", async () => {
    // The screen has room for the containers of tests that run at the same time.
    start({ columns: 100, rows: 100 }, []);
    await screen.waitFor("the list", has("Containers"));
    const name = uniqueName("fleeting");
    const made = await container(docker, { name });
    await screen.waitFor("the new one", has(name, "running"));
    await made.handle.pause();
    await screen.waitFor("its pause", new RegExp(`${name} +paused`));
    await made.handle.unpause();
    await made.remove();
    // The selected container stays in the list.
    await screen.waitFor("its end", (text) => !text.includes(name) || new RegExp(`${name} +removed`).test(text));
    screen.keys("q");
    await screen.waitForEnd();
    screen.close();
    start({ columns: 100, rows: 24 }, [], { DOCKER_HOST: "unix:///nonexistent/docker.sock" });
    await screen.waitFor(
      "why there are none",
      has("cannot connect to the container engine", "DOCKER_HOST", "B lists namespaces"),
    );
    screen.keys("q");
    expect(await screen.waitForEnd()).toBe(0);
  });

  it("escapes hostile names in lists, previews, titles and prompts at any size", async () => {
    const names = HOSTILE.map(({ bytes }, index) => {
      // Removes bytes that a name cannot contain.
      const possible = Buffer.from(bytes.filter((byte) => byte !== 0 && byte !== 0x2f));
      return Buffer.concat([Buffer.from(`srv/${String(index).padStart(2, "0")}`), possible.subarray(0, 80)]);
    });
    const web = await container(docker, {
      name: uniqueName("hostile"),
      image: await image(docker, [
        { name: "srv", type: "directory" },
        ...names.map((name) => ({ name, content: name })),
        { name: "srv/zlink", type: "symlink", target: "\x1b]0;pwned\x07" },
      ]),
    });
    start({ columns: 150, rows: 40 }, ["browse", `${web.name}:/srv`]);
    await screen.waitFor("the files", has("00^[]0;pwned^G", "zlink"));
    for (let item = 0; item < names.length; item += 3) screen.keys("Down", "Down", "Down");
    screen.keys("Space", "O");
    await screen.waitFor("what is open", has("open files"));
    screen.keys("q", "g", "Enter");
    await screen.waitFor("the viewer", has("direct, file"));
    screen.keys("q", "p");
    screen.type("/srv/1");
    screen.keys("Tab", "Tab", "Tab", "Escape");
    await screen.waitFor("the files", has("zlink"));
    for (const size of [
      { columns: 80, rows: 24 },
      { columns: 40, rows: 10 },
      { columns: 300, rows: 100 },
    ]) {
      screen.resize(size);
      await screen.waitFor(`${size.columns} x ${size.rows}`, (text) => {
        const rows = text.split("\n");
        return (
          rows.length === size.rows &&
          / of |in the container/.test(rows.at(-2) ?? "") &&
          rows[0]?.startsWith(` ${web.name}:/srv`) === true
        );
      });
    }
    screen.keys("q");
    expect(await screen.waitForEnd()).toBe(0);
    await waitFor("the last bytes", () => screen.raw().includes("\x1b[?1049l"));
    const raw = screen.raw();
    const shown = raw.slice(raw.indexOf("\x1b[?1049h"), raw.indexOf("\x1b[?1049l"));
    expect(Buffer.from(shown.replace(CUT, "").replace(OWN, ""), "latin1").toString()).not.toMatch(CONTROL);
    expect(screen.state("#{pane_title}")).not.toContain("pwned");
  });
});
