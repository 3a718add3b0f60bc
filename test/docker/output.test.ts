import { writeFileSync } from "node:fs";
import type Docker from "dockerode";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { connect } from "../../src/sessions/connect.ts";
import { describeWith, describeWithDocker, describeWithPodman } from "../helpers/availability.ts";
import { type Daemon, startDocker } from "../helpers/daemons.ts";
import {
  type Container,
  container,
  type Engine,
  engine,
  engineAt,
  enginesUnderTest,
  firstProcess,
  uniqueName,
} from "../helpers/engine.ts";
import { following } from "../helpers/following.ts";
import { jsonLines, user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";

/** Writes the lines of its environment, then runs each line from a FIFO. */
const SPEAKER = `
rm -f /tmp/c; mkfifo /tmp/c
eval "$BEGIN"
while :; do read -r line < /tmp/c && eval "$line"; done`;

describeWithDocker("the output of a container of Docker", () => outputTests("docker"));
if (enginesUnderTest().includes("podman"))
  describeWithPodman("the output of a container of Podman", () => outputTests("podman"));

if (inject("machine").title === undefined)
  describeWith(["root", "docker", "journald"], "the output of a container of Docker with the driver journald", () => {
    let daemon: Daemon;
    const targets: Container[] = [];
    const speaker: Speakers = async (...how) => {
      const made = await speakers(() => engineAt("docker", daemon.socket))(...how);
      targets.push(made.target);
      return made;
    };
    beforeAll(async () => {
      daemon = await startDocker(`${inject("machine").directory}/${uniqueName("journal")}`, { journal: true });
    });
    afterAll(async () => {
      for (const target of targets) await target.remove();
      await daemon.stop();
    });
    test("cat, head, tail and grep read stdout, stderr and both", () => readsBothStreams(speaker, "journald"));
    test("tail -F prints each line once through a restart and a recreation", () => continues(speaker, "journald"));
  });

interface Speaking {
  Tty?: boolean;
  /** Options of the log driver. */
  options?: Record<string, string>;
}

function outputTests(name: "docker" | "podman"): void {
  const isDebians = inject("machine").title === undefined;
  const isPodman = name === "podman" || inject("machine").isPodman;
  const drivers = isPodman ? ["k8s-file"] : ["json-file", "local"];

  const speaker = speakers(() => engine(name));
  test.each(drivers)("cat, head, tail and grep read stdout, stderr and both with %s", (driver) =>
    readsBothStreams(speaker, driver),
  );
  test("tail -F prints each line once through a restart and a recreation", () =>
    continues(speaker, drivers[0] as string));

  // Podman's k8s-file keeps one file and deletes lines when it rotates. Docker 20.10 does not
  // return all lines of a rotated log of the driver local.
  if (!isPodman)
    test.each(isDebians ? ["json-file"] : drivers)(
      "tail -F prints each line once when the engine rotates its log (%s)",
      async (driver) => {
        const rotating = { "max-size": "10k", "max-file": "100" };
        const { by, target, at } = await speaker("echo begin", driver, undefined, { options: rotating });
        await written(target, "begin");
        const tail = following(by, ["-F", at("@logs")]);
        await tail.shows("begin\n");
        await say(target, "i=0; while [ $i -lt 1500 ]; do i=$((i + 1)); echo line $i of many; done");
        const lines = Array.from({ length: 1_500 }, (_, index) => `line ${index + 1} of many`);
        const shown = () => tail.text().trimEnd().split("\n").slice(1);
        await waitFor("every line", () => new Set(shown()).size === lines.length, { deadline: 120_000 });
        // Lines that the engine omits at first arrive late.
        expect(shown().sort()).toEqual(lines.sort());
        await tail.stop();
      },
    );

  test("a line that is longer than the engine's records is one line, also in tail", async () => {
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

  test("a session for the output opens its three streams, and no other path", async () => {
    const { target } = await speaker("echo seen", drivers[0] as string);
    await written(target, "seen");
    await using session = await connect(`${target.name}:@logs`, { engine: engine(name).socket });
    for (const path of ["@stdout", "@stderr", "@logs"]) (await session.open(path)).close();
    for (const path of ["/etc/passwd", "@log", ""])
      await expect(session.open(path)).rejects.toMatchObject({ code: "USAGE" });
  });

  test("an unknown @name is refused", async () => {
    const { by, at } = await speaker(":", drivers[0] as string);
    expect((await by.run(["cat", at("@log")])).stderr).toContain(`is not an output stream (write `);
    expect(await by.run(["ls", at("@logs")])).toMatchObject({ code: 2, text: "" });
    expect(await by.run(["cat", `${uniqueName()}:@logs`])).toMatchObject({ code: 3, text: "" });
  });
}

async function readsBothStreams(speaker: Speakers, driver: string): Promise<void> {
  const { by, target, at } = await speaker("echo one", driver);
  // Wait: the engine stores the two streams in the order in which it reads them.
  await written(target, "one");
  await say(target, "echo two >&2");
  await written(target, "two");
  await say(target, "echo three");
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
  const json = async ([command = "", ...rest]: string[]) => {
    const { text } = await by.run([command, "--json", ...rest]);
    return jsonLines<Record<string, string>>(text);
  };
  const lines = await json(["tail", at("@logs")]);
  expect(lines.map(({ line, stream }) => `${stream} ${line}`)).toEqual(["stdout one", "stderr two", "stdout three"]);
  for (const { time } of lines) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
  expect(lines).toEqual(await json(["head", at("@logs")]));
  expect(await json(["head", "-n", "-1", at("@logs")])).toEqual(lines.slice(0, 2));
  expect(await json(["head", "-n", "1", at("@stderr")])).toEqual([{ ...lines[1], target: at("@stderr") }]);
  expect((await by.run(["tail", "--since", lines[2]?.time ?? "", at("@logs")])).text).toContain("three\n");
  await target.handle.stop({ t: 0 });
  expect((await by.run(["cat", at("@logs")])).text).toBe("one\ntwo\nthree\n");
  const ended = await by.run(["tail", "-f", at("@logs")]);
  expect(ended.text).toBe("one\ntwo\nthree\n");
}

async function continues(speaker: Speakers, driver: string): Promise<void> {
  const { by, target, at } = await speaker("echo begin", driver);
  await written(target, "begin");
  const tail = following(by, ["-F", at("@logs")]);
  await tail.shows("begin\n");
  await say(target, "for i in 1 2 3; do echo $i; done");
  await tail.shows("begin\n1\n2\n3\n");
  await target.handle.restart({ t: 0 });
  await tail.says(`tail: ${at("@logs")}: the container was restarted; continuing`);
  await tail.shows("begin\n1\n2\n3\nbegin\n");
  await target.remove();
  await speaker("echo recreated", driver, target.name);
  await tail.says(`tail: ${at("@logs")}: another container has this name now; continuing`);
  await tail.shows("begin\n1\n2\n3\nbegin\nrecreated\n");
  await tail.stop();
}

type Speakers = ReturnType<typeof speakers>;

/** Starts containers that speak, and their reader, on an engine. */
function speakers(on: () => Engine) {
  return async (begin: string, driver: string, as = uniqueName(), { Tty, options }: Speaking = {}) => {
    const by = user({ uid: 0, engine: on() });
    const host: Docker.HostConfig = { LogConfig: { Type: driver, Config: options ?? {} } };
    const target = await container(on(), {
      name: as,
      script: SPEAKER,
      env: [`BEGIN=${begin}`],
      host,
      ...(Tty && { tty: true }),
    });
    return { by, target, at: (path: string) => `${target.name}:${path}` };
  };
}

/** Makes the container run a shell command line. */
async function say({ handle }: Container, line: string): Promise<void> {
  const pid = await firstProcess(handle);
  writeFileSync(`/proc/${pid}/root/tmp/c`, `${line}\n`);
}

/** Waits until the engine has stored a text. */
async function written({ handle }: Container, text: string): Promise<void> {
  await waitFor(`the engine to keep ${text}`, async () =>
    (await handle.logs({ stdout: true, stderr: true })).toString().includes(text),
  );
}
