import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { describeAsRoot, describeWith } from "../helpers/availability.ts";
import { fuseTarget } from "../helpers/fuse.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { type Sandbox, sandbox } from "../helpers/namespaces.ts";
import { builtCommand } from "../helpers/paths.ts";
import { type Result, user } from "../helpers/porthole.ts";
import { textOf } from "../helpers/text-of.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { quoted, TmuxScreen } from "../tui/screen.ts";

const someone = user();
let target: Sandbox;
let at: (path: string) => string;
beforeAll(async () => {
  mkdirSync(`${someone.directory}/tmp`);
  target = await sandbox({
    steps: [
      ...["tmpfs", "/tmp", "dir", "/tmp/log", "write", "/tmp/log/a.log", "one", "write", "/tmp/log/b.log", "two"],
      ...["write", "/tmp/x.json", '{"port":8080,"name":"x"}', "write", "/tmp/own", "before"],
      ...["write", "/tmp/secret", "for root", "mode", "/tmp/secret", "600"],
      ...["fifo", "/tmp/fed", "feed", "/tmp/fed", "through a FIFO\n"],
    ],
  });
  at = (path) => `pid:${target.pid}:${path}`;
});

/** Runs `porthole with ...` with a private temporary directory. */
function runWith(...args: string[]): Promise<Result> {
  return someone.run(["with", ...args], { env: { TMPDIR: `${someone.directory}/tmp` } });
}

describe("porthole with passes", () => {
  test("a single file as standard input", async () => {
    expect(await runWith(at("/tmp/log/a.log"), "--", "cat")).toMatchObject({ code: 0, stderr: "", text: "one\n" });
  });

  test("standard input blocking, read-only and at offset 0, and no other descriptor", async () => {
    const look = 'cat /proc/self/fdinfo/0; ls /proc/$$/fd; echo x >&0 || echo "not for writing"';
    const { text } = await runWith(at("/tmp/log/a.log"), "--", "sh", "-c", `${look} 2>/dev/null`);
    expect(text).toMatch(/^pos:\t0\nflags:\t0[0-7]*0\n/);
    const flags = Number.parseInt(/^flags:\t(\d+)$/m.exec(text)?.[1] ?? "", 8);
    expect(flags & 0o4003).toBe(0);
    expect(text).toMatch(/^0\n1\n2\n(\d+\n)?not for writing\n$/m);
  });

  test("the path of each target for {}, of the first and second for {1} and {2}, in their trees", async () => {
    const files = [at("/tmp/log/a.log"), at("/tmp/log/b.log")];
    expect(await runWith(...files, "--", "cat", "{2}", "{}")).toMatchObject({
      code: 0,
      stderr: "",
      text: "two\none\ntwo\n",
    });
    const trees = `${someone.env.XDG_STATE_HOME}/porthole/trees`;
    const [a, b] = files.map((file) => `${trees}/${file}`);
    expect((await runWith(...files, "--", "echo", "{}", "x={1}")).text).toBe(`${a} ${b} x=${a}\n`);
    const { text } = await runWith(files[0] ?? "", "--", "sh", "-c", 'realpath "$1"; ls /proc/$$/fd; pwd', "sh", "{}");
    expect(text).toBe(`${a}\n0\n1\n2\n/\n`);
  });

  test("a file without a place in a tree, such as a deleted file or a device, as a blocking descriptor", async () => {
    const held = await sandbox({
      steps: ["tmpfs", "/tmp", "write", "/tmp/x", "x", "hold", "/tmp/x", "remove", "/tmp/x"],
    });
    const listed = await someone.run(["ps", "--deleted", "--json", `pid:${held.pid}`]);
    const { fd } = (JSON.parse(listed.text) as { files: { fd: number }[] }).files[0] ?? { fd: 0 };
    const look = ["sh", "-c", 'echo "$1"; cat "$1" /proc/self/fdinfo/3', "sh", "{}"];
    const { text } = await runWith(`pid:${held.pid}:/proc/1/fd/${fd}`, "--", ...look);
    expect(text).toMatch(/^\/proc\/self\/fd\/3\nx\npos:/);
    expect(Number.parseInt(/^flags:\t(\d+)$/m.exec(text)?.[1] ?? "", 8) & 0o4000).toBe(0);
  });

  test("a directory as the working directory, and several directories by names that look like targets", async () => {
    expect((await runWith(at("/tmp/log"), "--", "sh", "-c", "cat *.log; ls /proc/$$/fd")).text).toBe(
      "one\ntwo\n0\n1\n2\n",
    );
    const own = `${someone.directory}/own`;
    mkdirSync(own, { recursive: true });
    writeFileSync(`${own}/a.log`, "uno\n");
    const { text } = await runWith(at("/tmp/log"), own, "--", "diff", "-r", "{1}", "{2}");
    expect(text).toContain(`Only in ${at("/tmp/log")}: b.log\n`);
    expect(text).toContain("< one\n---\n> uno\n");
    expect((await runWith(at("/"), at("/tmp"), "--", "cat", at("/tmp/log/b.log"))).text).toBe("two\n");
  });

  test("the path for a placeholder at the beginning of a longer path", async () => {
    expect((await runWith(at("/tmp/log"), "--", "cat", "{}/a.log", "{1}/b.log")).text).toBe("one\ntwo\n");
  });

  test("the matches of a glob inside the container", async () => {
    expect((await runWith(at("/tmp/log/*.log"), "--", "cat", "{}")).text).toBe("one\ntwo\n");
  });

  test("a directory with a link to each file for {dir}, and removes it afterwards", async () => {
    const { text, code } = await runWith(
      at("/tmp/log/*.log"),
      "--",
      "sh",
      "-c",
      'cd "$1" && find . -type l && cat */tmp/log/b.log',
      "sh",
      "{dir}",
    );
    expect(code).toBe(0);
    expect(text.split("\n").sort()).toEqual(["", `./${at("/tmp/log/a.log")}`, `./${at("/tmp/log/b.log")}`, "two"]);
    expect(readdirSync(`${someone.directory}/tmp`)).toEqual([]);
  });

  test("a FIFO to its end", async () => {
    expect(await runWith("--consume", at("/tmp/fed"), "--", "cat")).toMatchObject({
      code: 0,
      text: "through a FIFO\n",
    });
  });

  test("writable files with --rw only", async () => {
    const write = ["--", "sh", "-c", "echo after >&0"];
    expect((await runWith(at("/tmp/own"), ...write)).code).not.toBe(0);
    expect(await runWith("--rw", at("/tmp/own"), ...write)).toMatchObject({ code: 0, stderr: "" });
    expect((await someone.run(["cat", at("/tmp/own")])).text).toBe("after\n\n");
  });

  test("all words after -- to the command, including options, -- and braces", async () => {
    const file = at("/tmp/log/a.log");
    expect((await runWith(file, "--", "echo", "--help", "-V", "--", "a{1}", "x {} y")).text).toBe(
      "--help -V -- a{1} x {} y\n",
    );
    expect((await runWith("--stdin", file, "--", "cat", "-")).text).toBe("one\n");
    expect((await runWith("--stdin", file, "--", "echo", "{}")).text).toBe("{}\n");
  });
});

describe("porthole with ends", () => {
  test("with the command's status", async () => {
    for (const status of [0, 1, 7, 125, 255])
      expect((await runWith(at("/tmp/own"), "--", "sh", "-c", `exit ${status}`)).code).toBe(status);
  });

  test.each(["SIGKILL", "SIGTERM", "SIGSEGV", "SIGINT", "SIGPIPE", "SIGUSR1"] as const)(
    "by the command's signal: %s",
    async (signal) => {
      const { code, signal: ended } = await runWith(at("/tmp/own"), "--", "sh", "-c", `kill -${signal.slice(3)} $$`);
      expect({ code, ended }).toEqual({ code: null, ended: signal });
    },
  );

  test.each([
    ["no such command", ["nosuch-command"], 127, "porthole: cannot run 'nosuch-command': No such file or directory\n"],
    ["no such path", ["/no/such"], 127, "porthole: cannot run '/no/such': No such file or directory\n"],
    ["a command that cannot be run", ["/etc/passwd"], 126, "porthole: cannot run '/etc/passwd': Permission denied\n"],
    ["a command that is a directory", ["/etc"], 126, "porthole: cannot run '/etc': Permission denied\n"],
  ])("%s", async (_, command, code, stderr) => {
    expect(await runWith(at("/tmp/own"), "--", ...command)).toMatchObject({ code, stderr, text: "" });
  });

  test("with 125 after its own failure, reports each target that fails, and does not run the command", async () => {
    const run = ["--", "echo", "run"];
    const missing = await runWith(at("/none"), at("/tmp/own"), "nosuch:/x", ...run, "{}");
    expect(missing).toMatchObject({ code: 125, text: "" });
    expect(missing.stderr.trimEnd().split("\n")).toEqual([
      `porthole: cannot open ${at("/none")}: No such file or directory`,
      expect.stringMatching(/^porthole: cannot connect to the container engine /),
    ]);
    for (const [args, message] of [
      [["--stdin", at("/tmp/log"), ...run], "Is a directory"],
      [[at("/tmp/own")], "no command to run"],
      [[at("/tmp/own"), "--"], "no command to run"],
      [[at("/tmp/own"), at("/tmp/x.json"), ...run], "cannot pass 2 files as one standard input"],
      [[at("/tmp/own"), "--", "cat", "{2}"], "no file for '{2}' in the command: it has 1 file"],
      [[at("/tmp/log/*.nosuch"), ...run], "matches nothing"],
      [["--nosuch", at("/tmp/own"), ...run], "unknown option '--nosuch'"],
    ] as const) {
      const { code, text, stderr } = await runWith(...args);
      expect({ code, text }).toEqual({ code: 125, text: "" });
      expect(stderr).toContain(message);
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    }
  });

  test.each(["SIGTERM", "SIGHUP", "SIGINT"] as const)(
    "after the command when only porthole receives %s",
    async (signal) => {
      const script = `trap 'echo caught; exit 3' ${signal.slice(3)}; echo ready; while :; do sleep 0.05; done`;
      const running = someone.start(["with", at("/tmp/own"), "--", "sh", "-c", script]);
      const seen = textOf(running.stdout);
      await waitFor("the command", () => seen().includes("ready"));
      running.child.kill(signal);
      expect(await running.ended).toEqual({ code: 3, signal: null });
      expect(seen()).toBe("ready\ncaught\n");
    },
  );
});

describeAsRoot("porthole with, for a user who may not open the file by path", () => {
  test("fails before the command starts and suggests standard input", async () => {
    // The sandbox belongs to this user, its files to root. The agent may read the files, but
    // programs of the user cannot reopen them.
    const other = user({ uid: ORDINARY_USER });
    const own = await sandbox({
      uid: ORDINARY_USER,
      steps: ["tmpfs", "/tmp", "write", "/tmp/x", "x", "mode", "/tmp/x", "0"],
    });
    const file = `pid:${own.pid}:/tmp/x`;
    const byPath = await other.run(["with", file, "--", "cat", "-n", "{}"]);
    expect(byPath).toMatchObject({ code: 125, text: "" });
    expect(byPath.stderr).toBe(
      `porthole: the command cannot open ${file} by path: Permission denied (pass it as standard input: porthole with ${file} -- cat -n)\n`,
    );
    const byInput = await other.run(["with", file, "--", "cat", "-n"]);
    expect(byInput).toMatchObject({ code: 0, stderr: "", text: "     1\tx\n" });
  });
});

describeAsRoot("porthole with, for a relayed file", () => {
  test("passes it as standard input to its end; refuses a path and suggests standard input", async () => {
    const remote = await fuseTarget();
    onTestFinished(() => remote.stop());
    const file = `pid:${remote.pid}:${remote.place}/data`;
    const late = await runWith(file, "--", "sh", "-c", "sleep 0.3; cat");
    expect(late).toMatchObject({ code: 0, stderr: "" });
    expect(late.stdout.length).toBe(1 << 20);
    const byPath = await runWith(file, "--", "wc", "-c", "{}");
    expect(byPath).toMatchObject({ code: 125, text: "" });
    expect(byPath.stderr).toContain(`(pass it as standard input: porthole with ${file} -- wc -c)`);
  });
});

describeWith("ripgrep", "rg", () => {
  test("searches standard input, paths, and links by name", async () => {
    expect((await runWith(at("/tmp/log/a.log"), "--", "rg", "-n", "on")).text).toBe("1:one\n");
    expect((await runWith(at("/tmp/log/*.log"), "--", "rg", "-L", "-I", "tw", "{dir}")).text).toBe("two\n");
    expect((await runWith(at("/tmp/log/a.log"), "--", "rg", "nothing")).code).toBe(1);
  });
});

describeWith("jq", "jq", () => {
  test("reads a field, and its braces stay unchanged", async () => {
    expect((await runWith(at("/tmp/x.json"), "--", "jq", ".port")).text).toBe("8080\n");
    expect((await runWith(at("/tmp/x.json"), "--", "jq", "-c", ".nosuch // {}")).text).toBe("{}\n");
  });
});

describeWith("sqlite3", "sqlite3", () => {
  test("queries a database read-only, without a copy on disk", async () => {
    const path = `${someone.directory}/app.db`;
    const made = spawnSync("sqlite3", [path, "create table t (x); insert into t values (42);"]);
    expect(made.status).toBe(0);
    const { text, stderr } = await runWith(path, "--", "sqlite3", "-readonly", "-deserialize", "{}", "select x from t");
    expect({ text, stderr }).toEqual({ text: "42\n", stderr: "" });
  });
});

describeWith(["sqlite3", "root"], "sqlite3 on a database in a target", () => {
  test("includes its write-ahead log", async () => {
    const own = await sandbox({ userNamespace: false });
    const database = `${own.root}/app.db`;
    const writer = spawn("sqlite3", [database], { stdio: ["pipe", "pipe", "ignore"] });
    onTestFinished(() => void writer.kill("SIGKILL"));
    const said = textOf(writer.stdout);
    writer.stdin.write("pragma journal_mode=wal; create table only_in_the_log (x); select 'written';\n");
    await waitFor("the table", () => said().includes("written"));
    const { text, stderr } = await runWith(`pid:${own.pid}:/app.db`, "--", "sqlite3", "-readonly", "{}", ".tables");
    expect({ text, stderr }).toEqual({ text: "only_in_the_log\n", stderr: "" });
  });
});

describeWith("diff", "diff", () => {
  test("compares files of two targets", async () => {
    const mine = `${someone.directory}/mine`;
    writeFileSync(mine, "uno\n");
    const { code, text } = await runWith(at("/tmp/log/a.log"), mine, "--", "diff", "{1}", "{2}");
    expect({ code, text }).toEqual({ code: 1, text: "1c1\n< one\n---\n> uno\n" });
  });
});

describe("tar", () => {
  test("packs the matches of a glob under their names", async () => {
    const { stdout, code } = await runWith(at("/tmp/log/*.log"), "--", "tar", "-chf", "-", "-C", "{dir}", ".");
    expect(code).toBe(0);
    const listed = spawnSync("tar", ["-tf", "-"], { input: stdout, encoding: "utf8" }).stdout;
    expect(listed.split("\n").filter((line) => line.endsWith(".log"))).toEqual(
      expect.arrayContaining([`./${at("/tmp/log/a.log")}`, `./${at("/tmp/log/b.log")}`]),
    );
    const content = spawnSync("tar", ["-xOf", "-", `./${at("/tmp/log/b.log")}`], {
      input: stdout,
      encoding: "utf8",
    });
    expect(content.stdout).toBe("two\n");
  });
});

/** Opens a terminal in which `porthole` is the built command, with the state of `someone`. */
async function inTerminal(action: (screen: TmuxScreen, porthole: string) => Promise<void>): Promise<void> {
  const screen = new TmuxScreen();
  try {
    const state = `XDG_STATE_HOME=${someone.env.XDG_STATE_HOME}`;
    await action(screen, `env ${state} ${process.execPath} ${builtCommand}`);
  } finally {
    screen.close();
  }
}

describeWith(["tmux", "less"], "less in a terminal", () => {
  test("follows with +F, handles Ctrl-C itself, and restores the terminal", async () => {
    const grows = await sandbox({ steps: ["tmpfs", "/tmp", "log", "/tmp/log", "50", "0"] });
    await inTerminal(async (screen, porthole) => {
      screen.run(`${porthole} with pid:${grows.pid}:/tmp/log -- less +F {}`);
      const last = (text: string) => Number([...text.matchAll(/^line (\d+)$/gm)].at(-1)?.[1] ?? 0);
      const waits = (text: string) => text.includes("Waiting for data") && last(text) > 0;
      const seen = last(await screen.waitFor("less to wait for more", waits));
      await screen.waitFor("a later line", (text) => waits(text) && last(text) > seen);
      screen.keys("C-c");
      await screen.waitFor("less's prompt after its interrupt", (text) => !text.includes("Waiting for data"));
      screen.keys("q");
      expect(await screen.waitForEnd()).toBe(0);
      screen.run("stty -a | grep -c ' echo '");
      expect(await screen.waitForEnd()).toBe(0);
    });
  });

  test("is stopped and continued as a job", async () => {
    await inTerminal(async (screen, porthole) => {
      screen.run("set -m");
      await screen.waitForEnd();
      screen.enter(`${porthole} with ${at("/tmp/log/a.log")} -- less`);
      await screen.waitFor("less", "(END)");
      screen.keys("C-z");
      await screen.waitFor("the shell", /Stopped|Suspended/);
      screen.run("fg");
      await screen.waitFor("less again", "(END)");
      screen.keys("q");
      expect(await screen.waitForEnd()).toBe(0);
    });
  });
});

describeWith(["tmux", "lnav"], "lnav", () => {
  test("shows standard input in the terminal, and ends with q", async () => {
    await inTerminal(async (screen, porthole) => {
      screen.run(`HOME=${quoted(screen.directory)} ${porthole} with ${at("/tmp/log/a.log")} -- lnav`);
      await screen.waitFor("the line in lnav", /one/, /Press|L0|Files/);
      screen.keys("q");
      await screen.waitForEnd();
    });
  });
});
