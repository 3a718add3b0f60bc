import { readFileSync } from "node:fs";
import { beforeAll, expect, it } from "vitest";
import type { Context } from "../../cli/tui/keymap/keymap.ts";
import { describeWith } from "../helpers/availability.ts";
import { type Container, container, type Engine, engine, startInside, uniqueName } from "../helpers/engine.ts";
import { sandbox } from "../helpers/namespaces.ts";
import { type User, user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { Presses } from "../tui/presses.ts";
import { type ScreenSize, type TmuxScreen, toastOf } from "../tui/screen.ts";
import { has, lastRow, startScreen } from "./porthole-screen.ts";

const script = `
echo printed; mkdir -p /srv/dir/deep; cd /srv
i=0; while [ $i -lt 60 ]; do i=$((i + 1)); echo "line $i"; done > app.log
echo needle > dir/deep/needle.txt; printf 12345 > a.big; : > .hidden; ln -s app.log link
for i in $(seq 60); do : > dir/file-$i; done
echo held by nobody but me > gone.log; exec 3< gone.log; rm gone.log
printf x > "$(printf 'evil\\033]0;pwned\\007\\n\\302\\233name')"
: > ready; exec sleep 1000000`;

describeWith(["docker", "tmux", "userNamespaces"], "the browser", () => {
  let docker: Engine;
  let someone: User;
  let web: Container;
  let other: Container;
  let stopped: string;
  let screen: TmuxScreen;
  const presses = new Presses(() => screen);

  beforeAll(async () => {
    docker = engine("docker");
    someone = user({ engine: docker });
    const labels = { "com.docker.compose.project": "shop", "com.docker.compose.service": "web" };
    web = await container(docker, {
      name: uniqueName("web"),
      script,
      host: { Tmpfs: { "/memory": "" } },
      labels,
    });
    other = await container(docker, {
      name: uniqueName("other"),
      steps: ["dir", "/log", "write", "/log/other.log", "first of other"],
    });
    const gone = await container(docker, { name: uniqueName("stopped") });
    await gone.handle.kill();
    stopped = gone.name;
    await waitFor("the files", async () => (await someone.run(["stat", `${web.name}:/srv/ready`])).code === 0);
  });

  const start = (size: ScreenSize, ...args: string[]) => {
    screen = startScreen(someone, args, { size, env: { EDITOR: "head -n 1", VISUAL: "", PAGER: "cat" } });
  };
  it("performs the documented action for every key of the help", async () => {
    // The screen has room for the containers of tests that run at the same time.
    start({ columns: 80, rows: 400 });
    await screen.waitFor("the containers", has("Containers", "shop (Compose)", web.name));
    const press: Presses["press"] = (...args) => presses.press(...args);

    // Keys of the containers and of lists.
    await screen.waitFor("the stopped one, and why it ended", new RegExp(`${stopped} +exited 137, SIGK`));
    await press(
      "containers",
      "toggle-stopped",
      "running ones",
      (text) => has(web.name)(text) && !text.includes(stopped),
    );
    screen.keys("a");
    await screen.waitFor("the stopped one again", has(stopped));
    await press(
      "containers",
      "fold-all",
      "projects",
      (text) => has("▸ shop (Compose)")(text) && !text.includes(web.name),
    );
    screen.keys("Z");
    await screen.waitFor("the containers again", has("▾ shop (Compose)", web.name));
    screen.enter(`/${web.name}`);
    await screen.waitFor("the filtered list", (text) => / 1 of 1 *$/.test(lastRow(text)));
    screen.keys("Escape");
    await screen.waitFor("all, with the same one selected", (text) => / \d+ of [2-9]\d* *$/.test(lastRow(text)));
    await press(
      "containers",
      "fold",
      "the folded project",
      (text) => has("▸ shop (Compose)  ")(text) && !text.includes(web.name),
    );
    screen.keys("Enter");
    await screen.waitFor("its containers", has("▾ shop (Compose)  ", web.name));
    screen.resize({ columns: 80, rows: 24 });
    await screen.waitFor("24 rows", (text) => text.split("\n").length === 24 && / of \d+ *$/.test(lastRow(text)));
    await press("list", "last-item", "the last", (text) => / (\d+) of \1 *$/.test(lastRow(text)));
    await press("list", "first-item", "the first", (text) => / 1 of \d+ *$/.test(lastRow(text)));
    await press("list", "item-down", "the second", (text) => / 2 of /.test(lastRow(text)));
    await press("list", "item-up", "the first", (text) => / 1 of /.test(lastRow(text)));
    await press("list", "filter", "the prompt", (text) => lastRow(text).startsWith("/"));
    screen.type(web.name);
    await screen.waitFor("the filtered list", (text) => text.includes(web.name) && !text.includes(other.name));
    await press(
      "prompt",
      "accept",
      "what was filtered",
      (text) => lastRow(text).includes(`/${web.name}`) && /1 of 1/.test(lastRow(text)),
    );
    await press("list", "refresh", "the same", has(web.name));
    await press("containers", "toggle-preview", "its details", has(web.name, "OUTPUT ─"));
    screen.keys("P");
    await screen.waitFor("the list alone", (text) => !text.includes("OUTPUT ─"));
    await press("containers", "grep", "the prompt", (text) => lastRow(text).startsWith(`grep in ${web.name}:`));
    screen.enter("^line 6");
    await screen.waitFor("the directory", (text) => lastRow(text).startsWith("in the directory: /var/log"));
    screen.keys("C-u");
    screen.enter("/srv");
    await screen.waitFor("the lines", has(`${web.name}:/srv/app.log  2 lines`, "   6  line 6", "  60  line 60"));
    screen.keys("q");
    await screen.waitFor("the containers again", has("Containers", "STATE"));
    await press("global", "open-files", "what is open", has("open files", "gone.log"));
    await press("list", "cancel", "the containers again", has("Containers", "STATE"));
    await press("containers", "open-files", "what is open", has("open files", "gone.log", "deleted, holds"));
    await press("files-open", "toggle-deleted", "only deleted ones", (text) => / 1 of 1 *$/.test(lastRow(text)));
    await press("list", "open", "the descriptor itself", has("held by nobody but me", "(deleted)"));
    await press("global", "back", "what is open", has("open files"));
    await press("global", "back", "the containers", has("Containers", "STATE"));
    await press("containers", "output", "what it printed", has(`${web.name}:@logs`, "printed", "FOLLOW"));
    screen.keys("q");
    await screen.waitFor("the containers", has("Containers", "STATE"));
    await press("containers", "follow-marked", "the same output", has(`${web.name}:@logs`, "printed", "FOLLOW"));
    screen.keys("q");
    await screen.waitFor("the containers", has("Containers", "STATE"));
    await press("containers", "mark", "the mark", has("1 marked (F follows)"));
    screen.keys("Space");
    await screen.waitFor("no mark", (text) => has("Containers", "STATE")(text) && !text.includes("1 marked"));
    await press("containers", "mounts", "the mounts", has("mounts", "/memory", "tmpfs", "overlay"));
    screen.answer("/", "/memory tmpfs");
    await screen.waitFor("one mount", (text) => /1 of 1 *$/.test(lastRow(text)));
    screen.keys("Enter");
    await screen.waitFor("the mount's files", has(`${web.name}:/memory`, "empty directory"));
    screen.keys("q", "q");
    await screen.waitFor("the containers", has("Containers", "STATE"));
    const apart = await sandbox({ steps: ["write", "/tmp/note", "in no container"] });
    // Tests that run at the same time have more sandboxes than the screen has rows.
    await press("containers", "sandboxes", "the sandboxes", has("Sandboxes", "NAMESPACES"));
    screen.enter(`/${apart.root}`);
    await screen.waitFor("this sandbox alone", has("mnt user"), (text) => /1 of 1 *$/.test(lastRow(text)));
    await press("sandboxes", "mounts", "its mounts", has("mounts"));
    screen.keys("q");
    await press("sandboxes", "open-files", "what is open there", has("open files", "/workload"));
    screen.keys("q");
    await screen.waitFor("the sandbox", has("Sandboxes"));
    screen.keys("q");
    await screen.waitFor("the containers", has("Containers", "STATE"));
    await press("list", "open", "its files", has(`${web.name}:/`, "srv/", "layer", "memory/", "memory  "));

    // Keys of the files.
    await press("files", "goto-path", "the prompt", (text) => lastRow(text).startsWith("goto /"));
    screen.type("sr");
    await press("prompt", "complete", "the completed path", (text) => lastRow(text).startsWith("goto /srv/"));
    screen.keys("Enter");
    const files = await screen.waitFor("the directory", has(`${web.name}:/srv`, "app.log", "link -> app.log", "1 of "));
    expect(files).toMatch(/ 5 +\d+ \w+ ago +a\.big +layer +-rw-r--r-- +0 /);
    expect(files).not.toContain(".hidden");
    const first = (text: string) => text.split("\n")[2] ?? "";
    expect(first(files)).toMatch(/ dir\/ /);
    await press("files", "toggle-hidden", "hidden files", has(".hidden"));
    await press("files", "sort", "by size", (text) => text.includes("by size") && first(text).includes("app.log"));
    await press(
      "files",
      "sort-reverse",
      "reverse the order",
      (text) => text.includes("by size, reversed") && !first(text).includes("app.log"),
    );
    screen.keys("S", "s");
    await screen.waitFor("by time", has("by time"));
    screen.keys("s", "s", "s", "s", "s");
    await screen.waitFor("by name", (text) => / dir\/ /.test(first(text)) && !/ by /.test(text.split("\n")[0] ?? ""));
    await press("list", "open", "the directory below", has(`${web.name}:/srv/dir`, "file-1"));
    await press("list", "items-page-down", "the next page", (text) => / 2\d of /.test(lastRow(text)));
    await press("list", "items-page-up", "the page before", (text) => / 1 of /.test(lastRow(text)));
    await press(
      "files",
      "parent",
      "the directory above, where one was",
      (text) => has(`${web.name}:/srv `)(text) && / 1 of /.test(lastRow(text)),
    );
    await press("files", "backward", "where one was", has(`${web.name}:/srv/dir`));
    await press("files", "forward", "and forward again", (text) => !text.includes("file-1"));
    await press("files", "grep", "the prompt", (text) => lastRow(text).startsWith("grep below /srv:"));
    screen.enter("needle");
    await screen.waitFor("the line", has("grep needle", `${web.name}:/srv/dir/deep/needle.txt  1 line`, "1 of 1"));
    screen.keys("q");
    await screen.waitFor("the files", has(`${web.name}:/srv`, "app.log"));
    await press("files", "find", "the prompt", (text) => lastRow(text).startsWith("find below"));
    screen.enter("needle");
    await screen.waitFor("what was found", has("find needle", "dir/deep/needle.txt", "1 of 1"));
    await press("found", "show-in-files", "it among its files", has(`${web.name}:/srv/dir/deep`, "needle.txt"));
    screen.keys("Enter");
    await screen.waitFor("its content", (text) => text.split("\n")[1] === "needle");

    // Keys that work everywhere, from the viewer.
    await press(
      "global",
      "files-here",
      "the files around it",
      has(`${web.name}:/srv/dir/deep`, "needle.txt", "1 of 1"),
    );
    screen.keys("q");
    await press("global", "help", "the help", has("╭", "Keys  page 1 of"));
    screen.keys("Escape");
    await screen.waitFor("the text", (text) => !text.includes("╭"));
    await press("global", "mounts", "the mounts", has("mounts", "/memory"));
    screen.keys("q");
    await press("global", "command", "the command line", (text) => lastRow(text).startsWith(":"));
    screen.enter(`tabopen ${other.name}:/log/other.log`);
    await screen.waitFor(
      "a second tab",
      (text) => /^ 1 .* 2 /.test(text.split("\n")[0] ?? "") && text.includes("first of other"),
    );
    await press("global", "previous-tab", "the first tab", has("needle.txt"));
    await press("global", "next-tab", "the second tab", has("first of other"));
    await press("global", "close-tab", "one tab", (text) => !/^ 1 .* 2 /.test(text.split("\n")[0] ?? ""));
    await press("global", "mouse", "no mouse", has("mouse off"));
    expect(screen.state("#{mouse_any_flag}")).toBe("0");
    screen.keys("M-m");
    await screen.waitFor("the mouse", has("mouse on"));
    expect(screen.state("#{mouse_any_flag}")).toBe("1");
    const before = screen.raw().length;
    await press("global", "redraw", "a whole frame", () => screen.raw().slice(before).includes("needle"));

    // Keys that send text out of the viewer.
    await press("out", "copy", "the copy", has("copied 7 bytes"));
    await waitFor("OSC 52", () => screen.raw().includes(`\x1b]52;c;${Buffer.from("needle\n").toString("base64")}\x07`));
    await press("out", "save", "the prompt", (text) => lastRow(text).startsWith("save the screen to:"));
    screen.enter("saved");
    await screen.waitFor("the report", has("saved 7 bytes to saved"));
    expect(readFileSync(`${screen.directory}/saved`, "utf8")).toBe("needle\n");
    screen.keys("s");
    screen.enter("saved");
    await screen.waitFor("the refusal", has("saved exists: nothing was written"));
    await press("out", "pipe", "the prompt", (text) => lastRow(text).startsWith("the screen |"));
    screen.enter("tr a-z A-Z");
    await screen.waitFor("the command's output", has("NEEDLE", "Press Enter to return"));
    screen.keys("Enter");
    await screen.waitFor("the screen", () => screen.state("#{alternate_on}") === "1");
    await press("out", "run", "the prompt", (text) => lastRow(text).startsWith("! cat {}"));
    screen.keys("C-u");
    screen.enter("printf '<%s>' $(cat {})");
    await screen.waitFor("the command's output", has("<needle>", "Press Enter to return"));
    screen.keys("Enter");
    await screen.waitFor("the screen", () => screen.state("#{alternate_on}") === "1");
    await press("out", "edit", "the screen again", () => screen.state("#{alternate_on}") === "1");
    await waitFor("what the editor wrote", () => /\x1b\[\?1049l[^\x1b]*needle\r?\n/.test(screen.raw()));

    // Marks, tabs from a list, the list of containers from anywhere.
    await press("global", "containers", "the containers", has("Containers", "STATE"));
    // The first view still has its filter: replace it.
    screen.keys("/", "C-u");
    screen.enter(other.name);
    await screen.waitFor("one container", (text) => /1 of 1 *$/.test(lastRow(text)));
    await press(
      "list",
      "open-in-tab",
      "a tab",
      (text) => /^ 1 .* 2 /.test(text.split("\n")[0] ?? "") && text.includes("workload"),
    );
    screen.answer("p", "log/other.log");
    await screen.waitFor("the file", has("first of other", " END "));
    screen.keys("q");
    await screen.waitFor(
      "its directory",
      (text) => text.includes(`${other.name}:/log`) && / 1 of /.test(lastRow(text)),
    );
    await press("files", "mark", "the mark", (text) => lastRow(text).includes("1 marked"));
    screen.answer(":", `open ${web.name}:/srv`);
    await screen.waitFor("the other container's files", has(`${web.name}:/srv`, "app.log"));
    screen.keys("/");
    screen.type("app.log");
    screen.keys("Enter", "Space");
    await screen.waitFor("two marks", (text) => lastRow(text).includes("2 marked"));
    await press("files", "follow-marked", "both files", has("2 files merged by time", `${web.name} `, "line 60"));
    await startInside(web, "echo one more >> /srv/app.log");
    await screen.waitFor("the new line behind its short name", /^web-[^\s:]+ +\| one more$/m);
    await expect.poll(() => screen.styled()).toMatch(/\x1b\[3[0-9]m(\x1b\[49m)?(web|other)-/);
    screen.keys("g");
    await screen.waitFor("the other file's line", /^other-[^\s:]+ +\| first of other$/m);
    screen.keys("q");
    await screen.waitFor("the files", (text) => lastRow(text).includes("2 marked"));
    await press("files", "rotated", "that it is the only file", (text) => toastOf(text).includes("no earlier files"));
    await press("files", "preview-down", "nothing at this width", has("app.log"));
    await press("files", "preview-up", "nothing at this width", has("app.log"));
    await press("files", "toggle-preview", "nothing at this width", has("app.log"));

    // Keys of prompts.
    screen.keys(":");
    screen.type("abc d");
    const typed = (line: string) => (text: string) => lastRow(text).trimEnd() === line;
    await press("prompt", "erase", "a character less", typed(":abc"));
    screen.type("d");
    await press("prompt", "erase-word", "a word less", typed(":abc"));
    // Backspace removes the blank before the cursor.
    screen.keys("BSpace");
    // Checks the character under the cursor, which is in reverse video.
    const under = (character: string) => () => {
      const row = screen.styled().trimEnd().split("\n").at(-2) ?? "";
      const found = /7m(?:\x1b\[[34]9m)*([a-z])/.exec(row)?.[1] ?? " ";
      return row.includes(":") && found === character;
    };
    await press("prompt", "cursor-start", "the start", under("a"));
    screen.type("x");
    await screen.waitFor("the insertion", typed(":xabc"));
    await press("prompt", "erase-under", "the next character gone", typed(":xbc"));
    await press("prompt", "cursor-end", "the end", under(" "));
    await press("prompt", "cursor-left", "one back", under("c"));
    screen.type("y");
    await screen.waitFor("the insertion", typed(":xbyc"));
    await press("prompt", "erase-after", "the rest gone", typed(":xby"));
    await press("prompt", "cursor-left", "one back", under("y"));
    await press("prompt", "cursor-right", "and on", under(" "));
    await press("prompt", "erase-before", "all gone", typed(":"));
    await press("prompt", "recall-older", "the line before", typed(`:open ${web.name}:/srv`));
    await press("prompt", "recall-newer", "the empty line", typed(":"));
    await press("prompt", "give-up", "the status", (text) => lastRow(text).includes("2 marked"));

    // Wait for the shell's message, not for the end of the screen: the line discipline is restored
    // later.
    await press("global", "suspend", "the shell", (text) => /Stopped|suspended/i.test(text));
    screen.keys("f", "g", "Enter");
    await screen.waitFor("the screen", () => screen.state("#{alternate_on}") === "1");
    await press("global", "quit", "the shell", () => screen.state("#{alternate_on}") === "0");
    screen.close();
    start({ columns: 80, rows: 24 });
    await screen.waitFor("the containers", has("Containers"));
    await press("global", "interrupt", "the shell", () => screen.state("#{alternate_on}") === "0");
    expect(await screen.waitForEnd()).toBe(130);
    const mine = [
      "global",
      "list",
      "containers",
      "files",
      "files-open",
      "found",
      "mounts",
      "sandboxes",
      "out",
      "prompt",
    ];
    expect(presses.missing(mine as Context[])).toEqual([]);
  });
});
