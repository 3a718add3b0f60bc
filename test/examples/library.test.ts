import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { busyboxImage, type Container, container, type Engine, engine } from "../helpers/engine.ts";
import { repository } from "../helpers/paths.ts";
import { jsonLines, mountBinds, type User, user } from "../helpers/porthole.ts";
import { textOf } from "../helpers/text-of.ts";
import { waitFor } from "../helpers/wait-for.ts";

/** Runs the examples as a user does: built, with the library imported by its name. */
describeWith(["docker", "dockerCommand", "root"], "the examples", () => {
  let docker: Engine;
  let someone: User;
  const running = new Set<ChildProcess>();
  beforeAll(() => {
    docker = engine("docker");
    someone = user({ engine: docker });
  });
  afterAll(() => {
    for (const child of running) child.kill("SIGKILL");
  });

  function start(example: string, ...args: string[]) {
    const child = spawn(process.execPath, [`${repository}build/examples/${example}.mjs`, ...args], {
      env: someone.env,
    });
    running.add(child);
    const ended = new Promise<number | null>((resolve) => child.once("close", (status) => resolve(status)));
    return { child, ended, out: textOf(child.stdout), errors: textOf(child.stderr) };
  }

  async function run(example: string, ...args: string[]) {
    const { ended, out, errors } = start(example, ...args);
    return { status: await ended, out: out(), errors: errors() };
  }

  test("hash-file prints the output of sha256sum, and reports the failed part", async () => {
    const target = await container(docker, { steps: ["write", "/note", "some text"] });
    const hash = createHash("sha256").update("some text\n").digest("hex");
    const text = `${target.name}:/note`;
    expect(await run("hash-file", text)).toEqual({ status: 0, out: `${hash}  ${text}\n`, errors: "" });
    const missing = await run("hash-file", `${target.name}:/nothing`);
    expect(missing).toMatchObject({ status: 1, out: "", errors: expect.stringMatching(/^FILE ENOENT: .*\n$/) });
  });

  test("follow-three ends when its reader closes the pipe", async () => {
    const target = await container(docker, { steps: ["dir", "/log", "log", "/log/app.log", "50", "0"] });
    const { child, out, errors, ended } = start("follow-three", `${target.name}:/log/app.log`);
    await waitFor("a line", () => out().includes("\n"));
    child.stdout.destroy();
    expect([await ended, errors()]).toEqual([0, ""]);
  });

  test("follow-three merges three logs into one stream and continues after a rotation", async () => {
    const three = await Promise.all(
      [1, 2, 3].map(() => container(docker, { steps: ["dir", "/log", "log", "/log/app.log", "50", "20"] })),
    );
    const { child, out, errors, ended } = start("follow-three", ...three.map(({ name }) => `${name}:/log/app.log`));
    await waitFor("lines of all three after a rotation of each", () =>
      three.every(({ name }) => {
        const at = errors().indexOf(`${name}:/log/app.log: rotated\n`);
        return at >= 0 && (out().match(new RegExp(`^${name}: line \\d+$`, "gm"))?.length ?? 0) > 25;
      }),
    );
    child.kill("SIGINT");
    expect(await ended).toBe(0);
    for (const { name } of three) {
      const numbers = [...out().matchAll(new RegExp(`^${name}: line (\\d+)$`, "gm"))].map(([, digits]) =>
        Number(digits),
      );
      // No number is lost or repeated.
      expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
    }
  });

  test("open-files lists the files of a process, and deleted-log recovers a deleted file", async () => {
    const steps = [
      "write",
      "/kept",
      "here",
      "hold",
      "/kept",
      "write",
      "/gone",
      "rescued",
      "hold",
      "/gone",
      "remove",
      "/gone",
    ];
    const target = await container(docker, { steps });
    const { status, out } = await run("open-files", target.name);
    expect(status).toBe(0);
    const files = jsonLines(out);
    expect(files).toContainEqual({
      pid: 1,
      command: "ready",
      fd: expect.any(Number),
      access: expect.any(String),
      path: "/kept",
    });
    expect(files).toContainEqual(expect.objectContaining({ pid: 1, path: "/gone", deleted: true, held: 4096 }));
    expect(await run("deleted-log", target.name)).toEqual({
      status: 0,
      out: "rescued\n",
      errors: 'process 1 holds "/gone", 8 bytes\n',
    });
  });

  test("pass-to-child passes the descriptor to a program and ends with its status", async () => {
    const target = await container(docker, { steps: ["write", "/note", "one two three"] });
    expect(await run("pass-to-child", `${target.name}:/note`, "wc", "-w")).toMatchObject({ status: 0, out: "3\n" });
    expect((await run("pass-to-child", `${target.name}:/note`, "sh", "-c", "exit 7")).status).toBe(7);
  });

  test("tun-device creates an interface in the container and receives its packets", async () => {
    const target: Container = await container(docker, {
      image: await busyboxImage(docker),
      command: ["/bin/busybox", "sleep", "3600"],
      host: {
        Binds: await mountBinds(someone),
        CapAdd: ["NET_ADMIN"],
        Devices: [{ PathOnHost: "/dev/net/tun", PathInContainer: "/dev/net/tun", CgroupPermissions: "rwm" }],
      },
    });
    const { out, ended } = start("tun-device", target.name, "wire0", "1");
    await waitFor("the interface", () => out().includes("wire0 is ready"));
    const inside = (script: string) =>
      execFileSync("docker", ["exec", target.name, "/bin/sh", "-c", script], { env: someone.env, encoding: "utf8" });
    inside("/bin/busybox ip addr add 10.9.9.1/24 dev wire0 && /bin/busybox ip link set wire0 up");
    // No host has this address.
    inside("/bin/busybox ping -c 1 -W 1 10.9.9.2 >/dev/null || true");
    expect(await ended).toBe(0);
    expect(out()).toContain("protocol 1, 10.9.9.1 -> 10.9.9.2, 84 bytes\n");
    expect(readFileSync("/proc/net/dev", "utf8")).not.toContain("wire0");
  });
});
