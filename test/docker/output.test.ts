import { writeFileSync } from "node:fs";
import type Docker from "dockerode";
import { expect, test } from "vitest";
import { describeWithDocker, describeWithPodman } from "../helpers/availability.ts";
import { busyboxImage, type Container, container, engine, firstProcess, uniqueName } from "../helpers/engine.ts";
import { following } from "../helpers/following.ts";
import { user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";

/** Writes the lines of its environment, then does what is written into a FIFO. */
const SPEAKER = `
rm -f /tmp/c; mkfifo /tmp/c
eval "$BEGIN"
while :; do read -r line < /tmp/c && eval "$line"; done`;

describeWithDocker("the output of a container of Docker", () => outputTests("docker"));
describeWithPodman("the output of a container of Podman", () => outputTests("podman"));

function outputTests(name: "docker" | "podman"): void {
  const drivers = name === "docker" ? ["json-file", "local"] : ["k8s-file"];

  test.each(drivers)("cat, head, tail and grep read stdout, stderr and both with %s", async (driver) => {
    const { by, target, at } = await speaker("echo one; usleep 50000; echo two >&2; usleep 50000; echo three", driver);
    await written(target, "three");
    expect(await by.run(["cat", at("@stdout")])).toMatchObject({ text: "one\nthree\n", stderr: "", code: 0 });
    expect((await by.run(["cat", at("@stderr")])).text).toBe("two\n");
    expect((await by.run(["cat", at("@logs")])).text).toBe("one\ntwo\nthree\n");
    expect((await by.run(["head", "-n", "1", at("@logs")])).text).toBe("one\n");
    expect((await by.run(["tail", "-n", "2", at("@logs")])).text).toBe("two\nthree\n");
    expect((await by.run(["tail", "-n", "1", at("@stderr")])).text).toBe("two\n");
    expect((await by.run(["tail", "-n", "+2", at("@logs")])).text).toBe("two\nthree\n");
    expect((await by.run(["tail", "-c", "4", at("@logs")])).text).toBe("ree\n");
    expect((await by.run(["grep", "t", at("@stdout")])).text).toBe("three\n");
    const { text } = await by.run(["tail", "--json", at("@logs")]);
    const lines = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map(({ line, stream }) => `${stream} ${line}`)).toEqual(["stdout one", "stderr two", "stdout three"]);
    for (const { time } of lines) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    expect((await by.run(["tail", "--since", lines[2].time, at("@logs")])).text).toContain("three\n");
    await target.handle.stop({ t: 0 });
    expect((await by.run(["cat", at("@logs")])).text).toBe("one\ntwo\nthree\n");
    const ended = await by.run(["tail", "-f", at("@logs")]);
    expect(ended.text).toBe("one\ntwo\nthree\n");
  });

  test("tail -F continues after a restart and a recreation without losing or doubling a line", async () => {
    const { by, target, at } = await speaker("echo begin", drivers[0] as string);
    await written(target, "begin");
    const tail = following(by, ["-F", at("@logs")]);
    await tail.shows("begin\n");
    await say(target, "for i in 1 2 3; do echo $i; done");
    await tail.shows("begin\n1\n2\n3\n");
    await target.handle.restart({ t: 0 });
    await tail.says(`tail: ${target.name}: the container was restarted; going on`);
    await tail.shows("begin\n1\n2\n3\nbegin\n");
    await target.remove();
    await speaker("echo anew", drivers[0] as string, target.name);
    await tail.says(`tail: ${target.name}: another container has this name now; going on`);
    await tail.shows("begin\n1\n2\n3\nbegin\nanew\n");
    await tail.stop();
  });

  test("a line that is longer than the engine's records is one line, in tail too", async () => {
    const { by, target, at } = await speaker(
      "head -c 50000 /dev/zero | tr '\\0' x; echo; echo last",
      drivers[0] as string,
    );
    await written(target, "last");
    const long = `${"x".repeat(50_000)}\n`;
    expect((await by.run(["cat", at("@logs")])).text).toBe(`${long}last\n`);
    expect((await by.run(["tail", "-n", "2", at("@logs")])).text).toBe(`${long}last\n`);
    const { text } = await by.run(["tail", "--json", "-n", "2", at("@stdout")]);
    expect(JSON.parse(text.split("\n")[0] as string).line).toHaveLength(50_000);
  });

  test("the output of a terminal is printed as written", async () => {
    const { by, target, at } = await speaker("echo seen", drivers[0] as string, undefined, { Tty: true });
    await written(target, "seen");
    expect((await by.run(["cat", at("@stdout")])).text).toBe("seen\r\n");
    expect((await by.run(["tail", "-n", "1", at("@logs")])).text).toBe("seen\r\n");
  });

  test("a container whose engine stores no output is reported in one line", async () => {
    const { by, target, at } = await speaker(":", "none");
    for (const command of ["cat", "head", "tail", "hexdump"]) {
      const { code, stderr, text } = await by.run([command, at("@logs")]);
      expect({ code, text }).toEqual({ code: 3, text: "" });
      expect(stderr).toContain(`container '${target.name}' has no stored output: its log driver is 'none'`);
      expect(stderr.trim().split("\n")).toHaveLength(1);
    }
  });

  test("an unknown @name is refused", async () => {
    const { by, at } = await speaker(":", drivers[0] as string);
    expect((await by.run(["cat", at("@log")])).stderr).toContain(`is no output of a container (write `);
    expect(await by.run(["ls", at("@logs")])).toMatchObject({ code: 2, text: "" });
    expect(await by.run(["cat", `${uniqueName()}:@logs`])).toMatchObject({ code: 3, text: "" });
  });

  async function speaker(begin: string, driver: string, as = uniqueName(), how: { Tty?: boolean } = {}) {
    const on = engine(name);
    const by = user({ uid: 0, engine: on });
    const target = await start(begin, driver, as, how.Tty === true);
    return { by, target, at: (path: string) => `${target.name}:${path}` };
  }

  async function start(begin: string, driver: string, as: string, isTerminal: boolean): Promise<Container> {
    const on = engine(name);
    const host: Docker.HostConfig = { LogConfig: { Type: driver, Config: {} } };
    const command = ["/bin/busybox", "sh", "-c", SPEAKER];
    return container(on, {
      name: as,
      image: await busyboxImage(on),
      command,
      env: [`BEGIN=${begin}`],
      host,
      ...(isTerminal && { tty: true }),
    });
  }
}

/** Has the container run a line of shell. */
async function say({ handle }: Container, line: string): Promise<void> {
  const pid = await firstProcess(handle);
  writeFileSync(`/proc/${pid}/root/tmp/c`, `${line}\n`);
}

/** Waits until the engine has kept a text. */
async function written({ handle }: Container, text: string): Promise<void> {
  await waitFor(`the engine to keep ${text}`, async () =>
    (await handle.logs({ stdout: true, stderr: true })).toString().includes(text),
  );
}
