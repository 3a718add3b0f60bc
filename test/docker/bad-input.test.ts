import { writeFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { describeWithDocker } from "../helpers/availability.ts";
import { type Container, container, engine, uniqueName } from "../helpers/engine.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { mountBinds, type User, user } from "../helpers/porthole.ts";

const LONG = "n".repeat(5000);

describeWithDocker("bad input gets one line and the documented status", () => {
  let someone: User;
  let target: Container;
  let stopped: Container;

  beforeAll(async () => {
    someone = user({ engine: engine("docker") });
    const steps = ["dir", "/d", "write", "/d/f", "text", "link", "loop", "/d/loop", "write", "/d/locked", "no", "mode"];
    target = await container(engine("docker"), { steps: [...steps, "/d/locked", "0"] });
    stopped = await container(engine("docker"));
    await stopped.handle.stop({ t: 5 });
  });

  const table: { what: string; args: (name: string) => string[]; code: number; line: RegExp }[] = [
    {
      what: "a container that does not exist",
      args: () => ["no-such-container:/d/f"],
      code: 3,
      line: /^porthole: no such container: 'no-such-container' \(.*\)\n$/,
    },
    {
      what: "a file that does not exist",
      args: (name) => [`${name}:/d/none`],
      code: 1,
      line: /^porthole: cannot open \S+:\/d\/none: No such file or directory\n$/,
    },
    {
      what: "a file used as a directory",
      args: (name) => [`${name}:/d/f/x`],
      code: 1,
      line: /^porthole: cannot open \S+:\/d\/f\/x: Not a directory\n$/,
    },
    {
      what: "a directory",
      args: (name) => [`${name}:/d`],
      code: 1,
      line: /^porthole: cannot read \S+:\/d: Is a directory\n$/,
    },
    {
      what: "a symbolic link to itself",
      args: (name) => [`${name}:/d/loop`],
      code: 1,
      line: /^porthole: cannot open \S+:\/d\/loop: Too many levels of symbolic links\n$/,
    },
    {
      what: "a name of 5,000 bytes",
      args: (name) => [`${name}:/${LONG}`],
      code: 1,
      line: /^porthole: cannot open \S+:\/n{100,400}\S*: .*[Tt]oo long.*\n$/,
    },
    {
      what: "a target without a path",
      args: (name) => [`${name}:`],
      code: 2,
      line: /^porthole: '\S+:' has no path \(.*\)\n$/,
    },
    { what: "an empty target", args: () => [""], code: 2, line: /^porthole: an empty target \(.*\)\n$/ },
    {
      what: "an unknown option",
      args: (name) => ["--sideways", `${name}:/d/f`],
      code: 2,
      line: /^porthole: unknown option '--sideways'\n$/,
    },
    {
      what: "an unknown route",
      args: (name) => ["--route", "teleport", `${name}:/d/f`],
      code: 2,
      line: /^porthole: .*'teleport' is invalid.*direct, mount, sidecar.*\n$/,
    },
    {
      what: "a process that does not exist",
      args: () => ["pid:2147483647:/etc/hosts"],
      code: 3,
      line: /^porthole: no such process: 2147483647\n$/,
    },
    {
      what: "control characters in a name",
      args: (name) => [`${name}:/d/\u001b]0;title\u0007\nline`],
      code: 1,
      line: /^porthole: cannot open \S+:\/d\/\^\[\]0;title\^G\^Jline: No such file or directory\n$/,
    },
  ];

  test.for(table)("$what returns status $code", async ({ args, code, line }) => {
    const result = await someone.run(["cat", ...args(target.name)]);
    expect(result.stderr).toMatch(line);
    expect(result).toMatchObject({ code, text: "" });
  });

  test("a local file whose name looks like a target is written as ./FILE", async () => {
    const files = ["test:111.json", "2026-11-29T10:00:00.log", "image:foo.json", "pid:1.log", "test:@x", "a b:c", ":x"];
    const own = `${target.name}:notes.txt`;
    for (const name of [...files, own]) writeFileSync(`${someone.directory}/${name}`, "mine\n");
    const run = (...args: string[]) => someone.run(args, { before: ["env", "-C", someone.directory] });
    for (const name of [...files, own]) {
      const { stderr, text } = await run("cat", name);
      expect({ text, stderr: stderr.replace(/ \(.*\)$/m, " (HINT)"), hint: /\((.*)\)$/m.exec(stderr)?.[1] }).toEqual({
        text: "",
        stderr: expect.stringMatching(/^porthole: [^\n]+ \(HINT\)\n$/),
        hint: `for the local file use ./${name}`,
      });
      expect((await run("cat", `./${name}`)).text).toBe("mine\n");
    }
    expect(await run("cat", "test:111.json")).toMatchObject({
      code: 3,
      stderr: "porthole: no such container: 'test' (for the local file use ./test:111.json)\n",
    });
    for (const args of [["head"], ["tail"], ["stat"], ["ls"], ["find"], ["grep", "x"], ["hexdump"]])
      expect((await run(...args, "test:111.json")).stderr).toContain("use ./test:111.json)");
    expect((await run("cat", "test:112.json")).stderr).not.toContain("./test:112.json");
    expect((await run("cat", `${target.name}:/d/none`)).stderr).not.toContain("local file");
  });

  test("the bare name of a container gets the target of its root as a hint", async () => {
    const { name } = target;
    const line = `${name}: No such file or directory (for the container write ${name}:/)\n`;
    for (const args of [["cat"], ["stat"], ["ls"], ["find"], ["grep", "x"], ["hexdump"]])
      expect((await someone.run([...args, name])).stderr, args[0]).toBe(`porthole: ${line}`);
    for (const command of ["head", "tail"])
      expect((await someone.run([command, name])).stderr).toBe(`${command}: ${line}`);
    expect((await someone.run(["cp", name, someone.directory])).stderr).toBe(`porthole: ${line}`);
    const run = (...args: string[]) => someone.run(args, { before: ["env", "-C", someone.directory] });
    writeFileSync(`${someone.directory}/${name}`, "mine\n");
    expect(await run("cat", name)).toMatchObject({ code: 0, text: "mine\n" });
    expect((await run("cat", "no-such")).stderr).toBe("porthole: no-such: No such file or directory\n");
  });

  test("ps of a stopped container returns 3, because there are no processes", async () => {
    const result = await someone.run(["ps", stopped.name]);
    expect(result.stderr).toBe(`porthole: '${stopped.name}' has no processes: the container is not running\n`);
    expect(result).toMatchObject({ code: 3, text: "" });
  });

  test("a missing engine returns 3 and the paths that were tried", async () => {
    const alone = user();
    const result = await alone.run(["cat", "web:/d/f"]);
    expect(result.stderr).toMatch(
      /^porthole: cannot connect to the container engine at \S+ \(DOCKER_HOST\): no engine is listening there \(.*\)\n$/,
    );
    expect(result).toMatchObject({ code: 3, text: "" });
  });

  test("an engine that this user may not use returns 3 and the group to join", async () => {
    const outsider = user({ uid: ORDINARY_USER, engine: engine("docker"), inEngineGroup: false });
    const result = await outsider.run(["cat", `${target.name}:/d/f`]);
    expect(result.stderr).toMatch(
      /^porthole: cannot connect to .*: permission denied \(join the engine's group .*\)\n$/,
    );
    expect(result).toMatchObject({ code: 3, text: "" });
  });

  test("an engine on another machine that does not answer returns 3 and a command to check it", async () => {
    const env = { DOCKER_HOST: "tcp://127.0.0.1:1" };
    const result = await someone.run(["cat", "web:/d/f"], { env });
    expect(result.stderr).toMatch(
      /^porthole: cannot connect to .* at tcp:\/\/127\.0\.0\.1:1 \(DOCKER_HOST\): connection refused \(check .*docker -H tcp:\/\/127\.0\.0\.1:1 info\)\n$/,
    );
    expect(result).toMatchObject({ code: 3, text: "" });
  });

  test("permission denied by the kernel returns 1", async () => {
    // The agent of the mount route has only the rights of uid 1000.
    const steps = ["dir", "/d", "write", "/d/locked", "no", "mode", "/d/locked", "600"];
    const prepared = await container(engine("docker"), { steps, host: { Binds: await mountBinds(someone) } });
    const result = await someone.run(["cat", "--user", "1000", "--route", "mount", `${prepared.name}:/d/locked`]);
    expect(result.stderr).toMatch(
      /^porthole: cannot open \S+:\/d\/locked: Permission denied on the mount route, [^\n]+\n$/,
    );
    expect(result).toMatchObject({ code: 1, text: "" });
  });

  test("a bad target among several does not stop the others, and gives the highest status", async () => {
    const file = `${target.name}:/d/f`;
    const one = await someone.run(["cat", file, `${target.name}:/d/none`, file]);
    expect(one).toMatchObject({ code: 1, text: "text\ntext\n" });
    expect(one.stderr).toMatch(/^porthole: cannot open \S+: No such file or directory\n$/);
    const two = await someone.run(["cat", `${uniqueName("missing")}:/d/f`, file, `${target.name}:/d/none`]);
    expect(two).toMatchObject({ code: 3, text: "text\n" });
    expect(two.stderr.split("\n")).toHaveLength(3);
  });

  test("a stack trace is printed only with PORTHOLE_DEBUG", async () => {
    const debugged = await someone.run(["cat", `${target.name}:/d/none`], { env: { PORTHOLE_DEBUG: "1" } });
    expect(debugged.stderr).toMatch(/\n.*\bat .*\.js/);
    expect(debugged.code).toBe(1);
  });
});
