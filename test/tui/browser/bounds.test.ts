import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect, it, onTestFinished } from "vitest";
import { describeWith } from "../../helpers/availability.ts";
import { builtCommand } from "../../helpers/paths.ts";
import { peakMemoryMb } from "../../helpers/processes.ts";
import { quoted, screenOfTest } from "../screen.ts";

const porthole = `${process.execPath} ${builtCommand}`;

const screen = screenOfTest();

describeWith("tmux", "the memory of the screen", () => {
  it("stays below 150 MB in a local directory of 120,000 files", async () => {
    // tmpfs: a disk may take minutes for so many files.
    const directory = mkdtempSync("/dev/shm/porthole-many-");
    onTestFinished(() => rmSync(directory, { recursive: true }));
    execFileSync("sh", ["-c", "mkdir many; cd many; seq -f n%.0f 120000 | xargs touch"], { cwd: directory });
    screen.run(`${porthole} ${directory}`);
    await screen.waitFor("the files", "1 of 1");
    screen.enter("fno-such-name");
    await screen.waitFor("the end of the walk", "no name below");
    await expect.poll(() => screen.text()).not.toContain("Esc stops");
    screen.keys("q");
    await screen.waitFor("the files again", "1 of 1");
    screen.enter("fn");
    await screen.waitFor("the maximum that is shown", / {2}only the first {2}1 of 20,000 *$/m);
    expect(peakMemoryMb(await screen.pid())).toBeLessThan(150);
    screen.type("Q");
    expect(await screen.waitForEnd()).toBe(0);
  });

  it("stays below 170 MB in a list of 190,000 files that is filtered, sorted and read again", async () => {
    const directory = mkdtempSync("/dev/shm/porthole-many-");
    onTestFinished(() => rmSync(directory, { recursive: true }));
    execFileSync("sh", ["-c", "seq -f requests-of-the-day-%06.0f.log 190000 | xargs touch"], { cwd: directory });
    screen.run(`${porthole} ${directory}`);
    await screen.waitFor("all files", "1 of 190,000");
    screen.answer("/", "99");
    await screen.waitFor("the files that match", "1 of 6,211");
    screen.keys("Escape");
    await screen.waitFor("all files again", "of 190,000");
    for (const title of ["SIZE▼", "MODIFIED▼"]) {
      screen.keys("s");
      await screen.waitFor("the sorted files", title, "of 190,000");
    }
    writeFileSync(`${directory}/new.log`, "");
    // The list would be read again by itself, but later.
    screen.keys("r");
    await screen.waitFor("the new file", "of 190,001");
    expect(peakMemoryMb(await screen.pid())).toBeLessThan(170);
    screen.type("Q");
    expect(await screen.waitForEnd()).toBe(0);
  });

  it("has the same heap limits for every way to start", async () => {
    // V8 does not report its flags: record the flags that are set.
    const hook = screen.file(
      "hook.cjs",
      `const v8 = require("node:v8"), set = v8.setFlagsFromString;
       v8.setFlagsFromString = (flag) => { require("node:fs").appendFileSync(process.env.FLAGS, flag + "\\n"); set(flag); };`,
    );
    const log = screen.file("log", "x\n");
    const flags: string[] = [];
    for (const [index, args] of [
      `open ${quoted(log)}`,
      `browse ${quoted(screen.directory)}`,
      quoted(screen.directory),
      "--route direct",
    ].entries()) {
      const path = screen.file(`flags${index}`, "");
      screen.run(`clear; FLAGS=${quoted(path)} NODE_OPTIONS='--require "${hook}"' ${porthole} ${args}`);
      await screen.waitFor("the screen", () => screen.state("#{alternate_on}") === "1");
      screen.type("Q");
      expect(await screen.waitForEnd()).toBe(0);
      // The flags are set again for each thread, so their number depends on timing.
      flags.push([...new Set(readFileSync(path, "utf8").split("\n"))].sort().join("\n"));
    }
    expect(flags[0]).toContain("--semi-space-growth-factor=1");
    expect(new Set(flags).size).toBe(1);
  });
});

describeWith(["tmux", "root"], "an endless mount table", () => {
  it("is read up to a limit", async () => {
    const { pid } = await manyMounts();
    screen.run(`${porthole} pid:${pid}:/`);
    await screen.waitFor("the files without their storage", "1 of ");
    screen.keys("M");
    await screen.waitFor("the reason for the refusal", "mount table too long: more than 16 MiB");
    screen.type("Q");
    expect(await screen.waitForEnd()).toBe(0);
  });
});

/**
 * Starts a process whose mount table has 20 MB: the table writes each blank of a path as four
 * characters. The mounts are in a separate mount namespace.
 */
async function manyMounts(): Promise<{ pid: number }> {
  const root = mkdtempSync(`${tmpdir()}/porthole-mounts-`);
  const script = `
    mount -n -t tmpfs none ${quoted(root)} && cd ${quoted(root)} || exit
    name=$(printf '%240s' ''); for level in $(seq 15); do mkdir "$name" && cd "$name" || exit; done
    here=$(pwd -P); for i in $(seq 1400); do busybox mount -n -i -t tmpfs none "$here" || exit; done
    echo ready; exec sleep 1000`;
  const child = spawn("unshare", ["--mount", "sh", "-c", script], { cwd: "/", stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => {
    child.kill("SIGKILL");
    rmSync(root, { recursive: true });
  });
  const [said] = await once(child.stdout, "data");
  expect(String(said)).toBe("ready\n");
  return { pid: child.pid ?? 0 };
}
