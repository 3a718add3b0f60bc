import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { expect, inject, it, onTestFinished } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { startDocker } from "../helpers/daemons.ts";
import { container, type Engine, engine, engineAt, firstProcess, uniqueName } from "../helpers/engine.ts";
import { user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { type TmuxScreen, tells } from "../tui/screen.ts";
import { has, lastRow, startScreen } from "./porthole-screen.ts";

const SIZE = { columns: 140, rows: 16 };

/** Waits for one second before the directory exists, as services that prepare their files do. */
const SCRIPT = "[ -d /log ] || sleep 1; mkdir -p /log; touch /log/a /log/chosen /log/z; exec sleep 1000";

describeWith(["docker", "tmux"], "lists on the screen through the end of their container or engine", () => {
  const started = async (on: Engine, name = uniqueName("listed")) => container(on, { name, script: SCRIPT });

  const hasFiles = (pid: number) => waitFor("its files", () => existsSync(`/proc/${pid}/root/log/z`));

  /** Shows the files of the container and selects one in the middle. */
  async function browse(on: Engine, name: string): Promise<TmuxScreen> {
    await hasFiles(await firstProcess(on.api.getContainer(name)));
    const screen = startScreen(user({ engine: on }), [`${name}:/log`], { size: SIZE });
    await screen.waitFor("the files", has("a", "chosen", "z", "1 of 3"));
    screen.keys("Down");
    await screen.waitFor("the selection", (text) => lastRow(text).includes("2 of 3"));
    return screen;
  }

  /** Creates a file in the running container, and waits until the list shows it without a key. */
  async function showsNew(screen: TmuxScreen, on: Engine, name: string, file: string, count: number): Promise<void> {
    const pid = await firstProcess(on.api.getContainer(name));
    await hasFiles(pid);
    writeFileSync(`/proc/${pid}/root/log/${file}`, "");
    // The new name is behind the selected one.
    const text = await screen.waitFor(file, (shown) => lastRow(shown).includes(`2 of ${count}`) && has(file)(shown));
    expect(lastRow(text)).not.toContain("NOT LIVE");
  }

  it("show the files of the restarted container, and its later changes", async () => {
    const on = engine("docker");
    const target = await started(on);
    const screen = await browse(on, target.name);
    await target.handle.restart({ t: 0 });
    await showsNew(screen, on, target.name, "new-1", 4);
    await target.handle.restart({ t: 0 });
    await showsNew(screen, on, target.name, "new-2", 5);
    screen.keys("Enter");
    await screen.waitFor("the selected file", `${target.name}:/log/chosen`);
  });

  it("say that the container is stopped, and continue when it is started", async () => {
    const on = engine("docker");
    const target = await started(on);
    const screen = await browse(on, target.name);
    await target.handle.stop({ t: 0 });
    const reason = `NOT LIVE  container '${target.name}' is not running (exited); waiting for it (r reads now)`;
    const stopped = await screen.waitFor("the reason", (text) => lastRow(text).includes(reason));
    expect(stopped).toContain("chosen");
    screen.keys("r");
    // The key reads the files of the stopped container.
    await screen.waitFor("its files", (text) => !lastRow(text).includes("NOT LIVE") && has("2 of 3")(text));
    await screen.waitFor("its exit in the title", (text) => /, exited \d+(, SIG\w+)?, \d+ \w+ ago *\n/.test(text));
    await target.handle.start();
    await showsNew(screen, on, target.name, "new", 4);
  });

  it("show the files of another container that has the name now, and report it", async () => {
    const on = engine("docker");
    const target = await started(on);
    const screen = await browse(on, target.name);
    await target.remove();
    await screen.waitFor("the reason", (text) => lastRow(text).includes(`no such container: '${target.name}'`));
    await started(on, target.name);
    await screen.waitFor("the message", tells("another container has this name now"));
    await waitFor("its directory", () => screen.text().includes("2 of 3"));
    await screen.waitFor("its files", (text) => !lastRow(text).includes("NOT LIVE"));
    await showsNew(screen, on, target.name, "new", 4);
  });

  it.each([
    ["open files", "O", /\/opened-[0-9a-f-]+/],
    ["mounts", "M", /\/scratch +tmpfs/],
  ])("of %s are read again when the container is started again", async (_, key, word) => {
    const on = engine("docker");
    const target = await container(on, {
      name: uniqueName("listed"),
      script: "exec 7>>/opened-$(cat /proc/sys/kernel/random/uuid); exec sleep 1000",
      host: { Tmpfs: { "/scratch": "" } },
    });
    const screen = startScreen(user({ engine: on }), [`${target.name}:/`], { size: { columns: 140, rows: 40 } });
    await screen.waitFor("the files", has("scratch"));
    screen.keys(key);
    const [before] = word.exec(await screen.waitFor("the list", (text) => word.test(text))) ?? [];
    await target.handle.stop({ t: 0 });
    await screen.waitFor("its end", (text) => lastRow(text).includes("NOT LIVE"));
    await target.handle.start();
    await screen.waitFor("the new list", (text) => {
      const [now] = word.exec(text) ?? [];
      const isNew = now !== undefined && (key === "M" || now !== before);
      return isNew && !lastRow(text).includes("NOT LIVE");
    });
  });

  it("wait for an engine that is stopped, and continue when it and the container are started", async () => {
    const daemon = await startDocker(`${mkdtempSync(`${inject("machine").directory}/lists-`)}/d`);
    onTestFinished(() => daemon.stop());
    const on = engineAt("docker", daemon.socket);
    const target = await started(on);
    const screen = await browse(on, target.name);
    const containers = startScreen(user({ engine: on }), [], { size: SIZE });
    await containers.waitFor("the container", (text) => new RegExp(`${target.name} +running`).test(text));
    await daemon.down?.();
    await screen.waitFor("the reason", (text) => lastRow(text).includes("cannot connect to the container engine"));
    expect(lastRow(screen.text())).toContain("NOT LIVE");
    await containers.waitFor("the reason", has("cannot connect to the container engine"));
    await daemon.restart?.();
    await screen.waitFor("the stopped container", (text) => lastRow(text).includes("is not running"));
    await containers.waitFor("the stopped container", (text) => new RegExp(`${target.name} +exited`).test(text));
    await target.handle.start();
    await showsNew(screen, on, target.name, "new", 4);
    await containers.waitFor("the container again", (text) => new RegExp(`${target.name} +running`).test(text));
    await target.remove();
  });

  it("of a process report its end, and the key that reads it again", async () => {
    const on = engine("docker");
    const target = await started(on);
    await hasFiles(target.pid);
    const screen = startScreen(user({ engine: on }), [`pid:${target.pid}:/log`], { size: SIZE });
    await screen.waitFor("the files", has("chosen"));
    await target.handle.kill();
    const end = /NOT LIVE {2}\S.* \(r reads it again\)/;
    const text = await screen.waitFor("its end", (shown) => end.test(lastRow(shown)));
    expect(text).toContain("chosen");
  });

  it("of a directory that is removed and made again show the new one", async () => {
    const on = engine("docker");
    const target = await started(on);
    const screen = await browse(on, target.name);
    const run = async (script: string) => {
      const exec = await target.handle.exec({ Cmd: ["/bin/busybox", "sh", "-c", script] });
      await exec.start({ Detach: true });
    };
    await run("rm -r /log");
    await screen.waitFor("the reason", (text) => lastRow(text).includes("No such file or directory"));
    expect(lastRow(screen.text())).toContain("NOT LIVE");
    await run("mkdir /log; touch /log/a /log/chosen /log/z");
    await screen.waitFor("its files", (text) => !lastRow(text).includes("NOT LIVE"));
    await showsNew(screen, on, target.name, "new", 4);
  });
});
