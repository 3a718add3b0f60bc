import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { fakeEngine } from "../engines/fake-engine.ts";
import { describeWith } from "../helpers/availability.ts";
import { sandboxOfTests } from "../helpers/namespaces.ts";
import { builtCommand } from "../helpers/paths.ts";
import { user } from "../helpers/porthole.ts";
import { TmuxScreen } from "../tui/screen.ts";

const someone = user();
let place: string;
const target = sandboxOfTests({
  steps: [
    ...["tmpfs", "/tmp", "dir", "/tmp/logs", "write", "/tmp/logs/only.log", "x", "dir", "/tmp/logs/old"],
    ...["write", "/tmp/with space", "x", "write", "/tmp/it's $HOME", "x", "write", "/tmp/.hidden", "x"],
    ...["write", "/tmp/bad\x1b[31m", "x", "write", "/tmp/new\nline", "x", "link", "/tmp/logs", "/tmp/to-logs"],
  ],
});
beforeAll(async () => {
  place = `pid:${target.pid}`;
  // A completion waits at most a second for an agent, so start one first.
  expect(await someone.run(["ls", "--idle", "3600", `${place}:/`])).toMatchObject({ code: 0 });
  writeFileSync(`${someone.directory}/porthole`, `#!/bin/sh\nexec ${process.execPath} ${builtCommand} "$@"\n`);
  chmodSync(`${someone.directory}/porthole`, 0o755);
});

function environment(): Record<string, string> {
  return { ...someone.env, PATH: `${someone.directory}:${someone.env.PATH}` };
}

/**
 * Returns the candidates for the words, without descriptions. The status tells whether the shell
 * completes the words itself.
 */
async function offered(...words: string[]): Promise<{ code: number | null; values: string[] }> {
  const { text, stderr, code } = await someone.run(["__complete", "zsh", "--", ...words]);
  expect(stderr).toBe("");
  return { code, values: text.split("\n").flatMap((line) => line.split("\t")[0] || []) };
}

describe("completion offers", () => {
  test("commands with their descriptions, without hidden ones", async () => {
    const { text } = await someone.run(["__complete", "zsh", "--", ""]);
    expect(text).toContain("cat\twrite files of containers to standard output\n");
    expect(text).not.toContain("__complete");
    expect((await offered("doc")).values).toEqual(["doctor", "docker-args"]);
    expect((await offered("nosuch", "")).values).toEqual([]);
  });

  test("options of the command and their values, as a separate word or after =", async () => {
    expect((await offered("cat", "--ro")).values).toEqual(["--route"]);
    expect((await offered("ps", "--de")).values).toEqual(["--deleted"]);
    expect((await offered("cat", "--route", "s")).values).toEqual(["sidecar"]);
    expect((await offered("cat", "--route=m")).values).toEqual(["--route=mount"]);
    expect((await offered("completion", "")).values).toEqual(["bash", "zsh", "fish"]);
    expect(await offered("cat", "--engine", "")).toEqual({ code: 10, values: [] });
    expect((await offered("help", "ta")).values).toEqual(["tail"]);
  });

  test("a Compose service by its name alone, if it names one container", async () => {
    const listed = (name: string, service: string) => ({
      ...{ Id: createHash("sha256").update(name).digest("hex"), Names: [`/${name}`], State: "running" },
      Labels: { "com.docker.compose.project": "shop", "com.docker.compose.service": service },
    });
    const { socketPath } = await fakeEngine(() => ({
      status: 200,
      body: [listed("shop-web-1", "web"), listed("shop-worker-1", "worker"), listed("shop-worker-2", "worker")],
    }));
    expect((await offered("cat", "--engine", socketPath, "w")).values).toEqual(["web:"]);
    expect((await offered("cat", "--engine", socketPath, "")).values).not.toContain("web:");
  });

  test("paths inside the container; directories and links to them end in a slash", async () => {
    expect((await offered("cat", `${place}:`)).values).toEqual([`${place}:/`]);
    expect((await offered("cat", `${place}:/t`)).values).toEqual([`${place}:/tmp/`]);
    expect((await offered(`${place}:/t`)).values).toEqual([`${place}:/tmp/`]);
    expect((await offered("cat", "--route", "auto", `${place}:/tmp/logs/`)).values).toEqual([
      `${place}:/tmp/logs/old/`,
      `${place}:/tmp/logs/only.log`,
    ]);
    expect((await offered("cat", `${place}:/tmp/to`)).values).toEqual([`${place}:/tmp/to-logs/`]);
    expect((await offered("cat", `${place}:/tmp/.h`)).values).toEqual([`${place}:/tmp/.hidden`]);
  });

  test("no names with control characters, and hidden names only after a dot", async () => {
    const { values } = await offered("cat", `${place}:/tmp/`);
    expect(values.map((value) => value.slice(`${place}:/tmp/`.length))).toEqual([
      "it's $HOME",
      "logs/",
      "to-logs/",
      "with space",
    ]);
  });

  test("processes, and no candidates or error if no target is reachable", async () => {
    expect((await offered("cat", "pid:")).values).toContain(`${place}:`);
    expect((await offered("ps", "pid:")).values).toContain(place);
    expect(await offered("cat", "nosuch:/")).toEqual({ code: 0, values: [] });
    expect(await offered("cat", "pid:2147483647:/")).toEqual({ code: 0, values: [] });
    expect(await offered("cat", `${place}:/nosuch/`)).toEqual({ code: 0, values: [] });
  });

  test("docker contexts of other machines, without a connection to them", async () => {
    const directory = `${someone.env.HOME}/.docker/contexts/meta/${createHash("sha256").update("far").digest("hex")}`;
    mkdirSync(directory, { recursive: true });
    const context = { Name: "far", Metadata: {}, Endpoints: { docker: { Host: "ssh://nowhere.invalid" } } };
    writeFileSync(`${directory}/meta.json`, JSON.stringify(context));
    expect((await offered("cat", "fa")).values).toContain("far!");
    rmSync(directory, { recursive: true });
  });

  test("local files and programs through the shell", async () => {
    expect((await offered("cat", "/et")).code).toBe(10);
    expect((await offered("cat", "./x")).code).toBe(10);
    expect((await offered("with", `${place}:/tmp/x`, "--", "di")).code).toBe(11);
    expect((await offered("with", `${place}:/tmp/x`, "--", "diff", "-")).code).toBe(10);
    expect((await offered("with", `${place}:/t`)).values).toEqual([`${place}:/tmp/`]);
  });

  test("only the part that bash replaces, quoted like the word", async () => {
    const bash = async (line: string, replaced: string) =>
      (await someone.run(["__complete", "bash", "--", line, replaced])).text.split("\n").slice(0, -1);
    expect(await bash(`porthole cat ${place}:/tmp/wi`, "/tmp/wi")).toEqual(["/tmp/with\\ space"]);
    expect(await bash(`porthole cat "${place}:/tmp/wi`, `${place}:/tmp/wi`)).toEqual([`${place}:/tmp/with space`]);
    expect(await bash(`porthole cat ${place}:/tmp/with\\ s`, "/tmp/with\\ s")).toEqual(["/tmp/with\\ space"]);
    expect(await bash(`porthole cat "${place}:/tmp/it`, `${place}:/tmp/it`)).toEqual([`${place}:/tmp/it's \\$HOME`]);
    expect(await bash(`porthole cat '${place}:/tmp/it`, `${place}:/tmp/it`)).toEqual([]);
    expect(await bash("porthole ca", "ca")).toEqual(["cat"]);
  });
});

/** Types into an interactive shell that has loaded the script. */
async function inShell(start: string, action: (screen: TmuxScreen) => Promise<void>): Promise<void> {
  const screen = new TmuxScreen({ columns: 150, rows: 24 });
  try {
    const variables = Object.entries(environment()).map(([name, value]) => `${name}='${value}'`);
    screen.enter(`exec env ${variables.join(" ")} TERM=xterm ${start}`);
    await action(screen);
  } finally {
    screen.close();
  }
}

const lastLine = (text: string) => text.trimEnd().split("\n").at(-1) ?? "";

/** Types the same keys in bash and zsh, and checks the resulting command line. */
async function completesWithTab(screen: TmuxScreen, prompt: string): Promise<void> {
  await screen.waitFor("the prompt", (text) => lastLine(text).startsWith(prompt));
  screen.type(`porthole cat ${place}:/tmp/lo`);
  screen.keys("Tab");
  await screen.waitFor("the directory, without a blank", (text) => lastLine(text).endsWith(`${place}:/tmp/logs/`));
  screen.type("on");
  screen.keys("Tab");
  await screen.waitFor("the file", (text) => lastLine(text).endsWith(`${place}:/tmp/logs/only.log`));
  screen.keys("Enter");
  await screen.waitFor("the file's content", /^x$/m);
  screen.type(`porthole cat ${place}:/tmp/wi`);
  screen.keys("Tab");
  await screen.waitFor("the quoted name", (text) => lastLine(text).endsWith(`${place}:/tmp/with\\ space`));
  screen.keys("C-u");
  screen.type("porthole comple");
  screen.keys("Tab");
  await screen.waitFor("the command", (text) => /porthole completion\s*$/.test(text.trimEnd()));
  screen.keys("C-u");
  screen.type("porthole cat --route=si");
  screen.keys("Tab");
  await screen.waitFor("the option's value", (text) => lastLine(text).includes("--route=sidecar"));
}

describeWith("tmux", "bash", () => {
  test.each([
    ["as it comes", ""],
    ["where a colon does not break words", "COMP_WORDBREAKS=$' \\t\\n'"],
  ])("completes in a terminal, %s", async (_, first) => {
    const file = `${someone.directory}/bashrc`;
    writeFileSync(file, `${first}\nsource <(porthole completion bash)\nPS1=ready:\n`);
    await inShell(`bash --rcfile ${file}`, (screen) => completesWithTab(screen, "ready:"));
  });
});

describeWith(["tmux", "zsh"], "zsh", () => {
  test("completes in a terminal", () =>
    inShell("zsh -f", async (screen) => {
      screen.enter("autoload -U compinit; compinit -D; source <(porthole completion zsh); PS1=ready:");
      await screen.waitFor("the prompt", (text) => lastLine(text).startsWith("ready:"));
      screen.keys("C-l");
      await completesWithTab(screen, "ready:");
    }));
});

describeWith("fish", "fish", () => {
  test("completes", () => {
    const ask = (line: string) => {
      const script = "porthole completion fish | source; complete --do-complete $line";
      const { stdout, stderr } = spawnSync("fish", ["--no-config", "-c", script], {
        encoding: "utf8",
        env: { ...environment(), line },
      });
      expect(stderr).toBe("");
      return stdout.split("\n").flatMap((found) => found.split("\t")[0] || []);
    };
    expect(ask("porthole docto")).toEqual(["doctor"]);
    expect(ask("porthole cat --route=m")).toEqual(["--route=mount"]);
    expect(ask(`porthole cat ${place}:/tmp/lo`)).toEqual([`${place}:/tmp/logs/`]);
    expect(ask(`porthole cat ${place}:/tmp/with\\ s`)).toEqual([`${place}:/tmp/with space`]);
    expect(ask(`porthole with ${place}:/tmp/x -- env`)).toContain("env");
    expect(ask("porthole cat /etc/passw")).toContain("/etc/passwd");
  });
});
