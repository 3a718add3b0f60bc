import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { type Container, container, engine } from "../helpers/engine.ts";
import { sandbox } from "../helpers/namespaces.ts";
import { builtCommand, repository } from "../helpers/paths.ts";
import { type User, user } from "../helpers/porthole.ts";

const documents = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "agent/README.md"].concat(
  readdirSync(`${repository}docs`).flatMap((name) => (name.endsWith(".md") ? `docs/${name}` : [])),
);
const readme = readFileSync(`${repository}README.md`, "utf8");

/** Lines of the README's tour, without their comments. */
const commands = readme
  .slice(readme.indexOf("## Tasks"), readme.indexOf("## Compared"))
  .split("\n")
  .filter((line) => line.startsWith("    porthole "))
  .map((line) => line.trim().replace(/ +#.*/, ""));

test.each(documents)("every link in %s has a target", (name) => {
  const text = readFileSync(repository + name, "utf8");
  const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path]) => path ?? "");
  const missing = links.filter((path) => !existsSync(`${repository}${dirname(name)}/${path}`));
  expect(missing).toEqual([]);
  const anchors = [...text.matchAll(/\]\((?!https?:)([^)#]*)#([^)]+)\)/g)];
  const astray = anchors.filter(([, path, anchor]) => {
    const other = path ? readFileSync(`${repository}${dirname(name)}/${path}`, "utf8") : text;
    const headings = [...other.matchAll(/^#+ (.*)$/gm)].map(([, words = ""]) =>
      words
        .toLowerCase()
        .replace(/[^\w\- ]/g, "")
        .replaceAll(" ", "-"),
    );
    return !headings.includes(anchor ?? "");
  });
  expect(astray.map(([link]) => link)).toEqual([]);
});

test("README.md has at most 120 lines", () => {
  expect(readme.trimEnd().split("\n").length).toBeLessThanOrEqual(120);
});

test("the comparison in README.md consists of six rows of docs/comparison.md", () => {
  const rows = readme.slice(readme.indexOf("## Compared"), readme.indexOf("## Exit status")).match(/^\|.*$/gm) ?? [];
  expect(rows).toHaveLength(8);
  const page = readFileSync(`${repository}docs/comparison.md`, "utf8").split("\n");
  expect(rows.filter((row) => !page.includes(row))).toEqual([]);
});

test("the exit statuses in README.md are those of --help", () => {
  const { stdout } = spawnSync(process.execPath, [builtCommand, "--help"], { encoding: "utf8" });
  const told = [...stdout.matchAll(/^ {2}(\d+) {2}(.*)$/gm)].map(([, status, meaning]) => `| ${status} | ${meaning}`);
  expect(told.length).toBeGreaterThan(5);
  for (const line of told) expect(readme).toContain(line);
});

describeWith(["docker", "dockerCommand", "jq", "root"], "the README's tour", () => {
  let web: Container;
  let someone: User;
  let folder: string;
  let numbers: Record<string, string>;
  beforeAll(async () => {
    const docker = engine("docker");
    someone = user({ engine: docker });
    const files = ["dir", "/bin", "dir", "/data", "dir", "/var", "dir", "/var/log", "dir", "/log"];
    const steps = [
      ...files,
      ...[
        "write",
        "/etc/passwd",
        "root:x:0:0::/:/sh",
        "write",
        "/bin/app",
        "not a program",
        "write",
        "/data/orders.json",
        '{"total": 7}',
      ],
      ...["write", "/var/log/app.log", "2026-01-02T03:04:05Z ERROR of long ago", "write", "/log/app.log", "line 1"],
      ...["write", "/gone.log", "rescue me", "hold", "/gone.log", "remove", "/gone.log"],
    ];
    web = await container(docker, { name: "web", steps });
    const labels = { "com.docker.compose.project": "shop", "com.docker.compose.service": "api" };
    await container(docker, { name: "api", steps, labels });
    await container(docker, { name: "db", steps });
    const other = await sandbox({ steps: ["dir", "/etc", "write", "/etc/hosts", "127.0.0.1 localhost"] });
    const held = /"fd":\s*(\d+),[^{}]*"path":\s*"\/gone\.log"/.exec(
      (await someone.run(["ps", "--files", "--json", "web"])).text,
    )?.[1];
    numbers = { "pid:4242:": `pid:${other.pid}:`, "/proc/7/fd/3": `/proc/1/fd/${held}` };
    folder = mkdtempSync(`${inject("machine").directory}/readme-`);
    mkdirSync(`${folder}/bin`);
    writeFileSync(`${folder}/bin/porthole`, `#!/bin/sh\nexec ${process.execPath} ${builtCommand} "$@"\n`, {
      mode: 0o755,
    });
  });

  test("has commands", () => {
    expect(commands.length).toBeGreaterThanOrEqual(15);
    expect(web.pid).toBeGreaterThan(0);
  });

  describe("each command works as printed", () => {
    const inShell = (command: string) => {
      const line = Object.entries(numbers).reduce((text, [from, to]) => text.replace(from, to), command);
      const env = { ...someone.env, PATH: `${folder}/bin:${someone.env.PATH}` };
      return { line, options: { cwd: folder, env } };
    };
    // The screen needs a terminal, so the tests in test/tui run it.
    const plain = commands.filter((command) => !/^porthole(?: open|$| web:)/.test(command));
    const isEndless = (command: string) => command.includes("tail -F");

    test.each(plain.filter((command) => !isEndless(command)))("%s", (command) => {
      const { line, options } = inShell(command);
      // diff exits with 1 for different files. These are equal.
      const { status, stdout, stderr } = spawnSync("sh", ["-c", line], { ...options, encoding: "utf8" });
      expect([status, stderr]).toEqual([0, ""]);
      const isSilent = [" > ", "diff", "detach", "porthole cp"].some((word) => line.includes(word));
      expect([line, stdout !== ""]).toEqual([line, !isSilent]);
    });

    test.each(plain.filter(isEndless))("%s runs until it is interrupted", async (command) => {
      const { line, options } = inShell(command);
      const child = spawn("sh", ["-c", line], { ...options, detached: true, stdio: ["ignore", "pipe", "pipe"] });
      const interrupt = () => process.kill(-(child.pid ?? 0), "SIGINT");
      let stderr = "";
      child.stderr.on("data", (bytes: Buffer) => {
        stderr += bytes.toString();
      });
      const ended = once(child, "close");
      const shown = await Promise.race([once(child.stdout, "data"), ended.then(() => undefined)]);
      if (shown !== undefined) interrupt();
      const [code, signal] = await ended;
      expect([shown !== undefined, [130, "SIGINT"].includes(signal ?? code), stderr]).toEqual([true, true, ""]);
    });

    test("writes the redirected and copied output", () => {
      expect(readFileSync(`${folder}/rescued.log`, "utf8")).toBe("rescue me\n");
      expect(readFileSync(`${folder}/copy`, "utf8")).toMatch(/^Name:\t/);
      expect(readdirSync(folder)).toContain("app.log");
    });
  });
});
