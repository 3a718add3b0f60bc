import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { type Container, container, engine, image } from "../helpers/engine.ts";
import { compileFixture } from "../helpers/fuse.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { mountBinds, type Running, type User, user } from "../helpers/porthole.ts";
import { childrenOf, processName } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";

/*
 * A container with a file system whose server stops answering: at look-up, open, getattr, read and
 * flush. Ctrl-C must end every waiting command, and other commands must continue.
 * PORTHOLE_TEST_MEASURE=1 prints the times.
 */

describeWith(["root", "docker"], "a FUSE server in a container that stops answering", () => {
  let target: Container;
  let program: Buffer;
  beforeAll(() => {
    const path = `${inject("machine").directory}/fuse-static`;
    compileFixture("fuse-server", path);
    program = readFileSync(path);
  });

  let others = 0;
  /** Returns another name of a file like this one, so that no request for it is pending. */
  const another = (name: string) => `${name}.${(others++ % 99) + 1}`;

  /** Returns the number of requests that the server has not answered. */
  function unanswered(): number {
    const [server = 0] = childrenOf(target.pid);
    return Number(/^silent (\d+)/.exec(processName(server) ?? "")?.[1] ?? 0);
  }

  /** Interrupts the command as soon as the server is silent, and expects its end. */
  async function interrupted(start: () => Running, what: string): Promise<void> {
    const before = unanswered();
    const running = start();
    running.stdout.resume();
    await waitFor(`the server to be silent towards ${what}`, () => unanswered() > before);
    const asked = performance.now();
    const ended = new Promise<void>((resolve) => running.child.once("exit", () => resolve()));
    running.child.kill("SIGINT");
    await ended;
    if (process.env.PORTHOLE_TEST_MEASURE)
      console.log(`${what}: ended ${(performance.now() - asked).toFixed(1)} ms after SIGINT`);
    expect(running.child.signalCode ?? running.child.exitCode).toBe("SIGINT");
    expect(running.complaints()).not.toContain("    at ");
  }

  describe.each([
    { route: "direct", uid: 0 },
    { route: "sidecar", uid: ORDINARY_USER },
    { route: "mount", uid: 0 },
  ])("over route $route as uid $uid", ({ route, uid }) => {
    let someone: User;
    beforeAll(async () => {
      someone = user({ uid, engine: engine("docker") });
      target = await container(engine("docker"), {
        image: await image(engine("docker"), [
          { name: "fuse-server", content: program, mode: 0o755 },
          { name: "fs", type: "directory" },
        ]),
        command: ["/fuse-server", "/fs"],
        host: {
          CapAdd: ["SYS_ADMIN"],
          Devices: [{ PathOnHost: "/dev/fuse", PathInContainer: "/dev/fuse", CgroupPermissions: "rwm" }],
          SecurityOpt: ["apparmor=unconfined"],
          Binds: route === "mount" ? await mountBinds(someone) : [],
        },
      });
      await waitFor("the file system", () => processName(target.pid) === "ready");
    });
    const at = (name: string) => `${target.name}:/fs/${name}`;
    const args = (command: string, ...rest: string[]) => [command, "--route", route, ...rest];

    test("the answered data is relayed completely, and the relay is reported", async () => {
      const { stdout, stderr, code } = await someone.run(args("cat", at("data")));
      expect(stderr).toBe(`porthole: ${at("data")}: relayed by the agent, because its file system may not answer\n`);
      expect([code, stdout.length, stdout.subarray(-8).toString()]).toEqual([0, 1 << 20, `${(1 << 20) - 8}\n`]);
    });

    test("a read that fails halfway is an error, not an end of file", async () => {
      const { stdout, stderr, code } = await someone.run(args("cat", at("bad-read")));
      expect([code, stdout.length]).toEqual([1, 65_536]);
      expect(stderr).toMatch(/cannot read .*bad-read to its end: Input\/output error\n$/);
    });

    test("names are listed without a stat by the server", async () => {
      const { text, code } = await someone.run(args("ls", "-l", at("")));
      expect(code).toBe(0);
      expect(text).toContain("no-getattr");
    });

    test.each([
      ["look-up", "cat", ["no-lookup"]],
      ["look-up", "stat", ["no-lookup"]],
      ["open", "cat", ["no-open"]],
      ["open", "tail", ["no-open"]],
      ["read", "cat", ["no-read"]],
      ["read", "tail", ["no-read"]],
      ["read", "grep", ["x", "no-read"]],
      ["read", "hexdump", ["no-read"]],
      ["flush", "cat", ["no-flush"]],
    ])("silent at %s, an interrupt ends %s", async (where, command, [first = "", second]) => {
      const rest = second === undefined ? [at(another(first))] : [first, at(another(second))];
      await interrupted(() => someone.start(args(command, ...rest)), `${route}, ${where}, ${command}`);
    });

    // This test waits for a deadline, which is the same on every route.
    if (route === "direct")
      test("a hanging file does not delay other files that are being opened", async () => {
        const links = `/proc/${target.pid}/root/links`;
        mkdirSync(links);
        for (const name of ["1", "3", "4"]) writeFileSync(`${links}/${name}`, `${name}\n`);
        symlinkSync(`/fs/${another("no-open")}`, `${links}/2`);
        const { text, stderr, code } = await someone.run(args("cat", `${target.name}:/links/*`));
        expect([code, text]).toEqual([5, "1\n3\n4\n"]);
        expect(stderr).toMatch(/^porthole: [^\n]*did not answer open in time[^\n]*\n$/);
      });

    test("other commands continue while some hang", async () => {
      const before = unanswered();
      const hanging = someone.start(args("cat", at(another("no-read"))));
      hanging.stdout.resume();
      await waitFor("it to hang", () => unanswered() > before);
      expect((await someone.run(args("cat", at("data")))).stdout.length).toBe(1 << 20);
      hanging.child.kill("SIGINT");
      expect((await hanging.ended).signal).toBe("SIGINT");
    });
  });
});
