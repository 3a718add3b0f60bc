import { chmodSync, writeFileSync } from "node:fs";
import { expect, onTestFinished, test, vi } from "vitest";
import { diagnose } from "../../cli/doctor/diagnose.ts";
import { fakeEngine } from "../engines/fake-engine.ts";
import { describeAsRoot } from "../helpers/availability.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { sandboxOfTests } from "../helpers/namespaces.ts";
import { jsonLines, type User, user } from "../helpers/porthole.ts";

interface Finding {
  status: "ok" | "warn" | "fail";
  what: string;
  detail: string;
  remedy?: string;
}

const someone = user();
const target = sandboxOfTests();

async function findings(by: User, ...args: string[]): Promise<{ code: number | null; all: Finding[] }> {
  const { text, code, stderr } = await by.run(["doctor", "--json", ...args]);
  expect(stderr).toBe("");
  return { code, all: jsonLines(text) };
}

test("doctor without a target prints one line per check; a missing engine is a warning with a remedy", async () => {
  const { text, code, stderr } = await someone.run(["doctor"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  for (const line of text.trimEnd().split("\n")) expect(line).toMatch(/^(ok {4}|warn {2})\S.*: \S/);
  expect(text).toMatch(/^ok {4}kernel: Linux \d+\.\d+\S* \w+: openat2/m);
  expect(text).toMatch(/^ok {4}seccomp: allow, errno, kill_process: the agent filters its system calls$/m);
  expect(text).toMatch(
    /^ok {4}agent program: .*: protocol \d+, build [0-9a-f]+, sha256 [0-9a-f]{16}, \d+ bytes, static$/m,
  );
  expect(text).toMatch(/^ok {4}run directory: .*: owned by this user, modes 0700, 0700, 0711$/m);
  expect(text).toMatch(/^warn {2}container engine: .*no engine is listening there {2}-> start the engine/m);
});

test("a missing unshare(1) is not reported as forbidden user namespaces", async () => {
  const { text } = await someone.run(["doctor", "--json"], { env: { PATH: someone.directory } });
  expect(jsonLines<Finding>(text).find(({ what }) => what === "user namespaces")).toEqual({
    status: "warn",
    what: "user namespaces",
    detail: "not checked: no unshare(1) on the PATH",
    remedy: "install util-linux",
  });
});

test("doctor pid:N tests the direct route, and the agent that it starts ends", async () => {
  const { code, all } = await findings(someone, `pid:${target.pid}`);
  expect(code).toBe(0);
  expect(all.filter(({ what }) => what.startsWith("route"))).toEqual([
    {
      status: "ok",
      what: "route direct",
      detail: expect.stringMatching(/^new agent in [\d.]+ ms, opened \/, a directory, in /),
    },
  ]);
});

test("a missing path fails although the route works", async () => {
  const { code, all } = await findings(someone, `pid:${target.pid}:/nosuch`);
  expect(code).toBe(1);
  expect(all.slice(-2).map(({ status, what }) => `${status} ${what}`)).toEqual(["ok route direct", "fail file"]);
});

test("a missing target fails, and a local path is wrong usage", async () => {
  const gone = await findings(someone, "pid:2147483647");
  expect(gone.code).toBe(1);
  expect(gone.all.at(-1)).toMatchObject({ status: "fail", what: "target", detail: "no such process: 2147483647" });
  expect((await findings(someone, "nosuch")).code).toBe(1);
  expect(await someone.run(["doctor", "/etc/passwd"])).toMatchObject({ code: 2, text: "" });
});

test("an engine on another machine is not checked, and the way to check it is reported", async () => {
  const { text, code } = await someone.run(["doctor"], { env: { DOCKER_HOST: "ssh://me@elsewhere" } });
  expect(code).toBe(0);
  expect(text).toMatch(
    /^ok {4}container engine: not checked: ssh:\/\/me@elsewhere \(DOCKER_HOST\) .*; porthole doctor CONTAINER checks it$/m,
  );
});

test("a signal of the caller ends diagnose() while an engine does not answer", async () => {
  vi.stubEnv("XDG_STATE_HOME", `${someone.directory}/state`);
  onTestFinished(() => void vi.unstubAllEnvs());
  const over = new AbortController();
  const { socketPath } = await fakeEngine(() => {
    over.abort();
    return "silence";
  });
  const looked: string[] = [];
  const look = async () => {
    for await (const { what } of diagnose({ engine: socketPath, signal: over.signal })) looked.push(what);
  };
  await expect(look()).rejects.toMatchObject({ code: "CANCELLED" });
  expect(looked.at(-1)).toBe("user namespaces");
});

test("a run directory that other users can write to fails", async () => {
  const careless = user();
  await careless.run(["doctor"]);
  const place = `${careless.directory}/state/porthole`;
  chmodSync(place, 0o777);
  const { code, all } = await findings(careless);
  chmodSync(place, 0o700);
  expect(code).toBe(1);
  expect(all.filter(({ status }) => status === "fail")).toEqual([
    {
      status: "fail",
      what: "run directory",
      detail: expect.stringContaining("cannot be trusted: it is writable by others (mode 0777)"),
      remedy: expect.stringContaining("XDG_STATE_HOME"),
    },
  ]);
});

describeAsRoot("seccomp", () => {
  const place = "/proc/sys/kernel/seccomp";

  /** Runs doctor in a mount namespace in which `commands` have changed the kernel's files. */
  async function told(commands: string): Promise<{ code: number | null; seccomp: Finding | undefined }> {
    const before = ["unshare", "--mount", "sh", "-ec", `${commands}; exec "$@"`, "sh"];
    const { text, code } = await someone.run(["doctor", "--json"], { before });
    const all = text.trimEnd().split("\n");
    expect(all.findIndex((line) => line.includes('"seccomp"'))).toBe(1);
    return { code, seccomp: JSON.parse(all[1] ?? "") as Finding };
  }

  test("a missing action of the agent's filter fails with its consequence", async () => {
    const file = `${someone.directory}/actions`;
    writeFileSync(file, "kill_thread trap errno trace log allow\n");
    expect(await told(`mount --bind ${file} ${place}/actions_avail`)).toEqual({
      code: 1,
      seccomp: {
        ...{ status: "fail", what: "seccomp", remedy: "use Linux 4.14 or newer" },
        detail: `seccomp does not support kill_process (${place}/actions_avail): the agent cannot filter its system calls and does not start, on any route`,
      },
    });
  });

  test("a kernel without filters fails; hidden kernel settings are a warning", async () => {
    expect(await told(`mount -t tmpfs none ${place}`)).toMatchObject({
      ...{ code: 1, seccomp: { status: "fail", remedy: expect.stringContaining("CONFIG_SECCOMP_FILTER") } },
    });
    expect(await told("mount -t tmpfs none /proc/sys/kernel")).toMatchObject({
      seccomp: { status: "warn", detail: expect.stringContaining("not checked: ") },
    });
  });
});

describeAsRoot("doctor for an ordinary user", () => {
  test("finds no route to a process of another user", async () => {
    const other = user({ uid: ORDINARY_USER });
    const { code, all } = await findings(other, `pid:${target.pid}`);
    expect(code).toBe(1);
    expect(all.at(-1)).toMatchObject({
      status: "fail",
      what: "route direct",
      detail: expect.stringContaining("permission denied"),
      remedy: "run as root or as the owner of its user namespace",
    });
  });
});
