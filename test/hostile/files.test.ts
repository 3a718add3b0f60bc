import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test, vi } from "vitest";
import { PortholeError } from "../../src/errors.ts";
import { connect } from "../../src/sessions/connect.ts";
import type { Session } from "../../src/sessions/interface/session.ts";
import { temporaryDirectory } from "../descriptors/fixtures.ts";
import { describeWith } from "../helpers/availability.ts";
import { type Container, container, engine } from "../helpers/engine.ts";
import { compileFixture } from "../helpers/fuse.ts";
import { mountBinds, type User, user } from "../helpers/porthole.ts";
import { childrenOf, isRunning } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";

/*
 * Files of a hostile container, in a real container: a directory of the host with these files is
 * mounted at /h.
 */

const MANY = 1_000_000;
const SWAPS = 1_000_000;
const SECRET = "of this machine\n";

describeWith(["root", "docker"], "hostile files", () => {
  let place: string;
  let program: string;
  let someone: User;
  let target: Container;
  /** Contents of the host's files that no container may show. The container does not have them. */
  let outside: string;

  beforeAll(async () => {
    const { directory } = inject("machine");
    place = mkdtempSync(`${directory}/hostile-`);
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=1g,nr_inodes=0,mode=755", "hostile", place], {
      encoding: "utf8",
    });
    if (mounted.status !== 0) throw new Error(mounted.stderr);
    program = `${directory}/hostile-files`;
    compileFixture("hostile-files", program);
    outside = mkdtempSync(`${directory}/outside-`);
    writeFileSync(`${outside}/secret`, SECRET);
    someone = user({ engine: engine("docker") });
    mkdirSync(`${place}/many`);
    make("many", `${place}/many`, MANY);
    target = await container(engine("docker"), { host: { Binds: [`${place}:/h`] } });
  });
  afterAll(async () => {
    await target?.remove();
    await someone?.close();
    spawnSync("umount", ["--lazy", place]);
  });

  function make(what: string, where: string, count: number): string {
    const { status, stdout, stderr } = spawnSync(program, [what, where, String(count)], { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    return stdout.trim();
  }
  const at = (path: string) => `${target.name}:/h/${path}`;
  async function session(): Promise<Session> {
    vi.stubEnv("XDG_STATE_HOME", temporaryDirectory());
    vi.stubEnv("DOCKER_HOST", engine("docker").host);
    const one = await connect(`${target.name}:/`, { idleSeconds: 3 });
    onTestFinished(() => {
      one.close();
      vi.unstubAllEnvs();
    });
    return one;
  }

  describe("a file with a hole of 8 EiB", () => {
    beforeAll(() => {
      writeFileSync(`${place}/hole`, "first\n");
      const { status, stderr } = spawnSync("truncate", ["-s", String(2n ** 63n - 1n), `${place}/hole`], {
        encoding: "utf8",
      });
      if (status !== 0) throw new Error(stderr);
    });

    test.each([
      ["head", ["head", "-c", "6"], "first\n"],
      ["ls", ["ls", "-l"], / 9223372036854775807 /],
      ["stat", ["stat"], /Size: 9223372036854775807/],
      ["hexdump", ["hexdump", "-n", "16"], /^00000000 {2}66 69/],
      ["grep that is content with one match", ["grep", "-a", "-m", "1", "first"], "first\n"],
    ] as const)("%s shows the requested part", async (_, [command, ...args], expected) => {
      const { code, stderr, text } = await someone.run([command, ...args, at("hole")]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      if (typeof expected === "string") expect(text).toBe(expected);
      else expect(text).toMatch(expected);
    });

    test("tail prints bytes or one line", async () => {
      const { stderr } = await someone.run(["tail", "-c", "5", at("hole")]);
      expect(stderr).toMatch(/^(tail: [^\n]*: The offset is too large\n)?$/);
    });

    test("grep ends with one line at an endless line, before it uses much memory", async () => {
      const { code, stderr, text } = await someone.run(["grep", "-a", "first|nothing", at("hole")], {
        deadline: 300_000,
      });
      expect(code).toBe(2);
      // ripgrep loses output that it has not written when it ends.
      expect(["", "first\n"]).toContain(text);
      expect(stderr).toMatch(
        /^porthole: ripgrep was terminated by SIGABRT: memory allocation of \d+ bytes failed \([^\n]*\)\n$/,
      );
    });

    test.each([
      ["cat", ["cat"]],
      ["grep", ["grep", "nothing"]],
      ["hexdump", ["hexdump", "-v"]],
    ])("an interrupt ends %s while it runs", async (name, [command = "", ...args]) => {
      await interrupt(name, [command, ...args, at("hole")]);
    });
  });

  /** Interrupts a command that would not end, after it has used processor time for reading. */
  async function interrupt(name: string, args: string[]): Promise<void> {
    const running = someone.start(args, { before: ["sh", "-c", 'exec "$@" >/dev/null', "sh"] });
    const ticks = (pid: number) => {
      const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
        .replace(/^.*\) /s, "")
        .split(" ");
      return Number(fields[11]) + Number(fields[12]);
    };
    // A child of grep does the work.
    await waitFor(`${name} to be at work`, () =>
      [running.pid, ...childrenOf(running.pid)].some((pid) => ticks(pid) > 60),
    );
    const asked = performance.now();
    const ended = new Promise<void>((resolve) => running.child.once("exit", () => resolve()));
    running.child.kill("SIGINT");
    await ended;
    if (process.env.PORTHOLE_TEST_MEASURE)
      console.log(`hole, ${name}: ended ${(performance.now() - asked).toFixed(1)} ms after SIGINT`);
    expect(running.child.signalCode ?? running.child.exitCode).toBe("SIGINT");
  }

  test("a directory of 1,000,000 names is listed completely", async () => {
    const { code, stdout, stderr } = await someone.run(["ls", at("many")], { deadline: 400_000 });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.length).toBe(MANY * 10);
    expect(stdout.subarray(-10).toString()).toBe("000999999\n");
  });

  test("an interrupt ends the listing of that directory", async () => {
    // Lists the directory repeatedly, so that it takes longer than a reader waits.
    await interrupt("find", ["find", ...Array<string>(1000).fill(at("many")), "-name", "nothing"]);
  });

  test("a directory of 1,000,000 names in a container of 32 MB does not kill its application", async () => {
    const small = await container(engine("docker"), {
      steps: ["write", "/note", "alive"],
      host: { Memory: 32 << 20, MemorySwap: 32 << 20, Binds: [`${place}:/h`, ...(await mountBinds(someone))] },
    });
    // On this route the agent is inside the container and under its limits.
    const listed = await someone.run(["find", "--route", "mount", `${small.name}:/h/many`, "-type", "f"], {
      before: ["sh", "-c", '"$@" | wc -l', "sh"],
      deadline: 400_000,
    });
    expect(listed).toMatchObject({ code: 0, stderr: "" });
    expect(Number(listed.text)).toBe(MANY);
    expect(isRunning(small.pid)).toBe(true);
    expect((await someone.run(["cat", "--route", "mount", `${small.name}:/note`])).text).toBe("alive\n");
    expect((await small.handle.inspect()).State.OOMKilled).toBe(false);
    await small.remove();
  });

  test("a path of 4095 bytes is read, and a path of 4096 is refused in one line", async () => {
    mkdirSync(`${place}/deep`);
    const path = make("deep", `${place}/deep`, 4095 - "/h/deep/".length);
    expect(Buffer.byteLength(`/h/deep/${path}`)).toBe(4095);
    const read = await someone.run(["cat", at(`deep/${path}`)]);
    expect(read).toMatchObject({ code: 0, stderr: "", text: "inside\n" });
    const refused = await someone.run(["cat", at(`deep/${path}x`)]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^porthole: cannot open [^\n]*File name too long[^\n]*\n$/);
    const found = await someone.run(["find", at("deep"), "-type", "f"]);
    expect(found.code).toBe(0);
    expect(found.text.length).toBeGreaterThan(4095);
  });

  test("a loop of links is an error, and a walk does not follow it", async () => {
    mkdirSync(`${place}/circle`);
    symlinkSync("two", `${place}/circle/one`);
    symlinkSync("one", `${place}/circle/two`);
    symlinkSync(".", `${place}/circle/self`);
    const { code, stderr } = await someone.run(["cat", at("circle/one")]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `porthole: cannot open ${at("circle/one")}: Too many levels of symbolic links\n`,
    });
    const found = await someone.run(["find", at("circle")]);
    expect(found.text.trim().split("\n")).toHaveLength(4);
    const listed = await someone.run(["ls", "-R", at("circle")]);
    expect(listed).toMatchObject({ code: 0, stderr: "" });
  });

  test("a link that is swapped with a directory a million times never leads out of the container", async () => {
    mkdirSync(`${place}/race`);
    mkdirSync(`${place}/race/swap`);
    writeFileSync(`${place}/race/swap/secret`, "inside\n");
    const seen = new Map<string, number>();
    const one = await session();
    for (const [where, swaps] of [
      [outside, SWAPS / 2],
      [`../../../../../../../..${outside}`, SWAPS / 2],
    ] as const) {
      symlinkSync(where, `${place}/race/other`);
      const racing = spawn(program, ["swap", `${place}/race`, String(swaps)], { stdio: "ignore" });
      const over = new Promise<void>((resolve) => racing.once("exit", () => resolve()));
      const count = (text: string) => seen.set(text, (seen.get(text) ?? 0) + 1);
      const command = (async () => {
        while (racing.exitCode === null) {
          const { text, stderr } = await someone.run(["cat", at("race/swap/secret")]);
          count(text === "" ? (/: ([^:\n]+)\n$/.exec(stderr)?.[1] ?? stderr) : text);
        }
      })();
      while (racing.exitCode === null) {
        for (const path of ["/h/race/swap/secret", "/h/race/swap/../swap/secret", "/h/race/other/../swap/secret"]) {
          try {
            const file = await one.open(path);
            count(readFileSync(file.fd, "utf8"));
            file.close();
          } catch (error) {
            if (!(error instanceof PortholeError) || error.code !== "FILE") throw error;
            count(error.errno ?? "");
          }
        }
      }
      await over;
      await command;
      expect(racing.exitCode).toBe(0);
      // After an odd number of exchanges, the other file is the directory.
      spawnSync(
        "sh",
        ["-c", "[ -L swap ] && mv -T swap gone || mv -T other gone; [ -e other ] && mv -T other swap; rm gone"],
        { cwd: `${place}/race` },
      );
    }
    expect(seen.get("inside\n")).toBeGreaterThan(0);
    expect(
      [...seen.keys()].filter(
        (what) => !["inside\n", "ENOENT", "EAGAIN", "ENOTDIR", "No such file or directory"].includes(what),
      ),
    ).toEqual([]);
  });

  test.each([
    "/proc/self/environ",
    "/proc/self/root/etc/hostname",
    "/proc/1/root/h/note",
    "/proc/1/cwd/h/note",
    "/proc/1/exe",
    "/proc/thread-self/root/etc/hostname",
    "/dev/fd/0",
    "/proc/1/ns/mnt",
  ])("%s leads to a file of the container or to no file, never to a file of the host", async (path) => {
    writeFileSync(`${place}/note`, "inside\n");
    const { code, stdout, stderr } = await someone.run(["cat", `${target.name}:${path}`]);
    // The program of the first process is a file of the container.
    const own = ["inside\n", "", readFileSync(inject("machine").workload, "latin1")];
    if (code === 0) expect(own).toContain(stdout.toString("latin1"));
    else expect(stderr).toMatch(/^porthole: cannot open [^\n]+\n$/);
    expect(stdout.includes(readFileSync("/etc/hostname", "utf8").trim())).toBe(false);
  });

  test("a read of a growing file ends and returns the file's bytes", async () => {
    writeFileSync(`${place}/growing`, "");
    const child = spawn("sh", ["-c", 'n=0; while :; do echo "line $n"; n=$((n+1)); done >> growing'], {
      cwd: place,
      stdio: "ignore",
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    await waitFor("it to grow", () => readFileSync(`${place}/growing`).length > 100_000);
    const { code, text, stderr } = await someone.run(["cat", at("growing")]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = text.split("\n");
    expect(lines.length).toBeGreaterThan(1000);
    for (const [index, line] of lines.slice(0, -1).entries())
      if (line !== `line ${index}`) throw new Error(`${line} at ${index}`);
    child.kill("SIGKILL");
    truncateSync(`${place}/growing`, 0);
  });

  test("a file whose mount was moved or removed stays readable, but not by its old path", async () => {
    const inner = mkdtempSync(`${inject("machine").directory}/moving-`);
    mkdirSync(`${inner}/a`);
    mkdirSync(`${inner}/b`);
    const script = `mount -t tmpfs none a && echo kept > a/file && echo ready && read x && mount --move a b && echo moved && read x && umount --lazy b && echo gone && read x`;
    const child = spawn("unshare", ["--mount", "sh", "-c", script], { cwd: inner, stdio: ["pipe", "pipe", "inherit"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    const steps = child.stdout.iterator();
    const step = async () => (await steps.next()).value?.toString().trim();
    expect(await step()).toBe("ready");
    vi.stubEnv("XDG_STATE_HOME", temporaryDirectory());
    const one = await connect(`pid:${child.pid}`, { idleSeconds: 3 });
    onTestFinished(() => {
      one.close();
      vi.unstubAllEnvs();
    });
    const file = await one.open(`${inner}/a/file`);
    child.stdin.write("\n");
    expect(await step()).toBe("moved");
    await expect(one.open(`${inner}/a/file`)).rejects.toMatchObject({ code: "FILE", errno: "ENOENT" });
    const moved = await one.open(`${inner}/b/file`);
    child.stdin.write("\n");
    expect(await step()).toBe("gone");
    await expect(one.open(`${inner}/b/file`)).rejects.toMatchObject({ code: "FILE", errno: "ENOENT" });
    for (const one of [file, moved]) {
      const buffer = Buffer.alloc(16);
      expect(buffer.toString("utf8", 0, one.read(buffer, 0))).toBe("kept\n");
      one.close();
    }
  });
});
