import { expect, it, onTestFinished } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { sandbox } from "../helpers/namespaces.ts";
import { findProcesses } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { numbered, screenOfTest, type TmuxScreen } from "./screen.ts";

const isOnScreen = (screen: TmuxScreen) => () => / byte [\d,]+ of [\d,]+ *$/m.test(screen.text());

const screen = screenOfTest();

describeWith(["tmux", "less"], "full-screen programs of the host on the shown file", () => {
  it("the screen gives the terminal to $EDITOR and takes it back after its end", async () => {
    screen.run("export EDITOR='less -X' VISUAL=");
    await screen.waitForEnd();
    await screen.open(screen.file("log", numbered(500)));
    screen.keys("v");
    // less shows its prompt at the bottom, and porthole shows no status row.
    await screen.waitFor("less", (text) => /\nline 23 of the log\n\S*\/?\S*$/.test(text) && !text.includes("byte "));
    screen.keys("G");
    await screen.waitFor("less's last page", "line 500 of the log", "(END)");
    screen.keys("q");
    await screen.waitFor("the screen again", isOnScreen(screen));
    await expect.poll(() => screen.text().split("\n")[1]).toBe("line 1 of the log");
    screen.keys("j");
    await screen.waitFor("the next line", (text) => text.split("\n")[1] === "line 2 of the log");
    screen.keys("q");
    expect(await screen.waitForEnd()).toBe(0);
  });
});

describeWith(["tmux", "less"], "a command from the screen", () => {
  const command = async (text: string) => {
    screen.keys("!");
    await screen.waitFor("the prompt", (shown) => shown.split("\n").at(-2)?.startsWith("! ") === true);
    screen.keys("C-u");
    screen.enter(text);
  };

  it("is stopped together with the screen by one ^Z, and continues with it", async () => {
    await screen.open(screen.file("log", numbered(500)));
    await command("less -X {}");
    await screen.waitFor("less", (text) => /\nline 23 of the log\n\S*\/?\S*$/.test(text) && !text.includes("byte "));
    screen.keys("C-z");
    await screen.waitFor("the shell", (text) => /Stopped/i.test(text.split("\n").slice(-3).join("\n")));
    screen.run("clear; fg");
    await screen.waitFor("less again", (text) => !text.includes("Stopped") && text.includes("line 23 of the log"));
    screen.keys("q");
    await screen.waitFor("the end of less", "Press Enter to return to porthole");
    screen.keys("Enter");
    await screen.waitFor("the screen again", isOnScreen(screen));
    screen.keys("q");
    expect(await screen.waitForEnd()).toBe(0);
    await expect.poll(() => screen.text()).not.toContain("Stopped");
  });

  it("ends with the screen by a terminating signal", async () => {
    await screen.open(screen.file("log", numbered(500)));
    await command("echo it runs; exec sleep 1000");
    await screen.waitFor("its start", "it runs");
    process.kill(await screen.pid(), "SIGTERM");
    expect(await screen.waitForEnd()).toBe(143);
    await expect.poll(() => screen.text()).not.toContain("porthole: ");
  });

  it("ends with the screen, including programs of the shell and of a pipeline", async () => {
    const log = screen.file("log", numbered(500));
    for (const [index, key] of ["!", "|"].entries()) {
      const seconds = `${process.pid}.${1000 + index}`;
      await screen.open(log);
      screen.keys(key);
      await screen.waitFor("the prompt", (shown) => shown.split("\n").at(-2)?.includes(key) === true);
      screen.keys("C-u");
      screen.enter(`sleep ${seconds}; echo it went on`);
      const running = () => findProcesses(({ name, args }) => name === "sleep" && args.includes(seconds));
      await waitFor("its start", () => running().length === 1);
      process.kill(await screen.pid(), "SIGTERM");
      expect(await screen.waitForEnd()).toBe(143);
      await waitFor("its end", () => running().length === 0);
      await expect.poll(() => screen.text()).not.toContain("it went on");
    }
  });

  it("returns by Enter, and by the usual keys that quit a program", async () => {
    await screen.open(screen.file("log", numbered(500)));
    for (const key of ["C-c", "C-d", "q", "Enter"]) {
      // The text differs each time: the previous text stays on the screen until the command prints
      // its own.
      await command(`echo did it, then ${key}`);
      await screen.waitFor("its end", `did it, then ${key}\n\nPress Enter to return to porthole`);
      screen.keys("x", key);
      await screen.waitFor("the screen again", isOnScreen(screen));
      // Restore the position for the next key.
      screen.keys("j");
      await screen.waitFor("the next line", (text) => text.split("\n")[1] !== "line 1 of the log");
      screen.keys("k");
      await screen.waitFor("the first line", (text) => text.split("\n")[1] === "line 1 of the log");
    }
    screen.keys("q");
    expect(await screen.waitForEnd()).toBe(0);
  });
});

describeWith(["tmux", "vi"], "vi as $EDITOR", () => edits("vi", /"\/proc\/self\/fd\/3"/, [":q!", "Enter"]));
describeWith(["tmux", "nano"], "nano as $EDITOR", () => edits("nano", /GNU nano/, ["C-x"]));

function edits(editor: string, shown: RegExp, leave: readonly string[]): void {
  it("shows the file and restores the terminal", async () => {
    screen.run(`export EDITOR=${editor} VISUAL=`);
    await screen.waitForEnd();
    await screen.open(screen.file("log", numbered(500)));
    screen.keys("v");
    await screen.waitFor("the editor", (text) => shown.test(text) && text.includes("line 2 of the log"));
    screen.keys(...leave);
    await screen.waitFor("the screen again", isOnScreen(screen));
    screen.keys("j");
    await screen.waitFor("the next line", (text) => text.split("\n")[1] === "line 2 of the log");
    screen.keys("q");
    expect(await screen.waitForEnd()).toBe(0);
    expect(screen.state("#{alternate_on} #{cursor_flag} #{wrap_flag}")).toBe("0 1 1");
  });
}

describeWith(["tmux", "lnav", "userNamespaces"], "lnav on a file that no path of this machine reaches", () => {
  it("reads the descriptor as its standard input and restores the terminal", async () => {
    const { pid, stop } = await sandbox({ steps: ["tmpfs", "/tmp", "write", "/tmp/log", numbered(500).trimEnd()] });
    onTestFinished(stop);
    await screen.open(`pid:${pid}:/tmp/log`);
    screen.keys("!");
    await screen.waitFor("the prompt", (text) => text.split("\n").at(-2)?.startsWith("! ") === true);
    screen.keys("C-u");
    screen.enter("lnav");
    await screen.waitFor("lnav", (text) => text.includes("line 500 of the log") && !/ byte [\d,]+ of /.test(text));
    screen.keys("q");
    await screen.waitFor("the end of lnav", "Press Enter to return to porthole");
    screen.keys("Enter");
    await screen.waitFor("the screen again", isOnScreen(screen));
    screen.keys("q");
    expect(await screen.waitForEnd()).toBe(0);
  });
});
