import { spawnSync } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";
import { beforeAll, expect, inject, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { type Container, container, engine, image } from "../helpers/engine.ts";
import { following } from "../helpers/following.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { repository } from "../helpers/paths.ts";
import { mountBinds, type User, user } from "../helpers/porthole.ts";
import { isRunning } from "../helpers/processes.ts";
import { directAgentsOf, routesInUse } from "./agents.ts";

const reference = "takeover";
let program: Buffer;

beforeAll(() => {
  const product = `${inject("machine").directory}/takeover`;
  const flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-static", "-s"];
  const { status, stderr } = spawnSync("cc", [...flags, "-o", product, `${repository}test/fixtures/takeover.c`], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  program = readFileSync(product);
});

interface Attacked {
  target: Container;
  someone: User;
  /**
   * Runs the attacker in the container. Returns its result of each attempt, once for every process
   * of an agent that it found.
   */
  attack(mode: string): Promise<Record<string, string[]>>;
}

/**
 * Starts a container whose root user attacks, with or without SYS_PTRACE. It has no seccomp
 * profile, which would prevent the attacks.
 */
async function attacked(route: string, mayTrace: boolean): Promise<Attacked> {
  const docker = engine("docker");
  const someone = user({ uid: route === "direct" ? 0 : ORDINARY_USER, engine: docker });
  const target = await container(docker, {
    image: await image(docker, [
      { name: reference, content: program, mode: 0o755 },
      { name: "secret", content: "of root\n", mode: 0o600 },
    ]),
    steps: ["dir", "/d", "write", "/d/log", "one"],
    host: {
      SecurityOpt: ["seccomp=unconfined"],
      ...(mayTrace && { CapAdd: ["SYS_PTRACE"] }),
      ...(route === "mount" && { Binds: await mountBinds(someone) }),
    },
  });
  const attack = async (mode: string) => {
    const run = await target.handle.exec({ Cmd: [`/${reference}`, mode], AttachStdout: true, Tty: true, User: "0" });
    const pieces: Buffer[] = [];
    for await (const piece of await run.start({ Tty: true, Detach: false })) pieces.push(piece as Buffer);
    const outcomes: Record<string, string[]> = {};
    for (const line of Buffer.concat(pieces).toString().trim().split("\r\n")) {
      const [name = "", ...how] = line.split(" ");
      outcomes[name] = [...(outcomes[name] ?? []), how.join(" ")];
    }
    return outcomes;
  };
  return { target, someone, attack };
}

const direct = ["memory_file", "process_vm_readv", "pidfd_getfd", "descriptor_link", "enter_root", "environment"];
const attempts = [...direct, "ptrace"];

/** System calls that a traced agent must not perform for its tracer. */
const injected = ["execve", "socket", "connect", "ptrace", "mount", "setns", "unshare", "bpf"];

describeWith(["root", "docker"], "root in a container without SYS_PTRACE", () => {
  test.each(["mount", "sidecar"])("cannot read or trace an agent of route %s, which is not dumpable", async (route) => {
    const { target, someone, attack } = await attacked(route, false);
    const tail = following(someone, ["--route", route, "-f", `${target.name}:/d/log`]);
    await tail.shows("one\n");
    const outcomes = await attack("try");
    expect(Number(outcomes.agents?.[0])).toBeGreaterThanOrEqual(2);
    for (const name of attempts) {
      expect([name, new Set(outcomes[name]).size]).toEqual([name, 1]);
      expect([name, outcomes[name]?.[0]]).toEqual([name, expect.stringMatching(/^(EPERM|EACCES)$/)]);
    }
    appendFileSync(`/proc/${target.pid}/root/d/log`, "two\n");
    await tail.shows("one\ntwo\n");
  });
});

describeWith(["root", "docker"], "root in a container with SYS_PTRACE", () => {
  test.each(["mount", "sidecar"])("can use an agent of route %s only within the agent's filter", async (route) => {
    const { target, someone, attack } = await attacked(route, true);
    const tail = following(someone, ["--route", route, "-f", `${target.name}:/d/log`]);
    await tail.shows("one\n");
    const outcomes = await attack("try");
    // The kernel permits a process with this capability to trace all of its PID namespace. The next
    // checks depend on it.
    expect(new Set(outcomes.ptrace)).toEqual(new Set(["success"]));
    expect(new Set(outcomes.injected_getpid)).toEqual(new Set(["success"]));
    for (const name of injected)
      expect([name, new Set(outcomes[`injected_${name}`])]).toEqual([name, new Set(["ENOSYS"])]);
    expect(new Set(outcomes.injected_kill_all)).toEqual(new Set(["EPERM"]));
    // The host is unaffected: its follow continues.
    appendFileSync(`/proc/${target.pid}/root/d/log`, "two\n");
    await tail.shows("one\ntwo\n");
  });

  test("neither sees nor reaches an agent of route direct", async () => {
    const { target, someone, attack } = await attacked("direct", true);
    const tail = following(someone, ["--route", "direct", "-f", `${target.name}:/d/log`]);
    await tail.shows("one\n");
    const [agent = 0] = directAgentsOf(target);
    expect(agent).toBeGreaterThan(0);
    expect(await attack("try")).toEqual({ agents: ["0"] });
    expect(await attack("kill")).toEqual({ agents: ["0"] });
    expect(isRunning(agent)).toBe(true);
    appendFileSync(`/proc/${target.pid}/root/d/log`, "two\n");
    await tail.shows("one\ntwo\n");
  });
});

describeWith(["root", "docker"], "an agent killed by its container", () => {
  test.each(["mount", "sidecar"])("is replaced by the next command (route %s)", async (route) => {
    const { target, someone, attack } = await attacked(route, false);
    const read = () => someone.run(["cat", "--route", route, "--trace", `${target.name}:/secret`]);
    expect(await read()).toMatchObject({ code: 0, text: "of root\n" });
    // A sidecar does not need CAP_KILL, which root in the container has by default.
    expect(new Set((await attack("kill")).kill)).toEqual(new Set(["success"]));
    const again = await read();
    expect(again).toMatchObject({ code: 0, text: "of root\n" });
    expect(again.stderr).toContain(`route ${route}, new agent`);
    expect(await routesInUse(engine("docker"), target)).toEqual([route]);
  });
});
