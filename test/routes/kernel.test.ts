import { release } from "node:os";
import { describe, expect, test, vi } from "vitest";
import { attachContainer } from "../../src/routes/attach.ts";
import { temporaryDirectory } from "../descriptors/fixtures.ts";
import { fakeEngine } from "../engines/fake-engine.ts";

const id = "0123456789abcdef".repeat(4);
/** A pid above the maximum of this machine, as another machine may have. */
const elsewhere = 2_147_483_646;

/**
 * Returns the error for a container of an engine with this description. One machine has no engine
 * with another kernel.
 */
async function attach(
  info: unknown,
  host: object,
  Pid = elsewhere,
  options: { route?: "direct" } = {},
): Promise<unknown> {
  vi.stubEnv("XDG_STATE_HOME", temporaryDirectory());
  const State = { Running: true, Pid, StartedAt: "2026-01-02T03:04:05Z" };
  const asked: string[] = [];
  const engine = await fakeEngine((path) => {
    asked.push(path);
    if (path === "/info") return { status: 200, body: info };
    return { status: 200, body: { Id: id, Name: "/web", State, HostConfig: host } };
  });
  try {
    return await attachContainer("web", { engine: engine.socketPath, ...options }).catch((error: unknown) => ({
      error,
      asked,
    }));
  } finally {
    vi.unstubAllEnvs();
  }
}

describe("a container of another kernel is refused", () => {
  test.each([
    [
      "Docker Desktop",
      { KernelVersion: "6.6.12-linuxkit", OperatingSystem: "Docker Desktop" },
      /\(Docker Desktop, 6\.6\.12-linuxkit\)/,
    ],
    [
      "Colima",
      { KernelVersion: "6.8.0-31-generic", OperatingSystem: "Ubuntu 24.04" },
      /\(Ubuntu 24\.04, 6\.8\.0-31-generic\)/,
    ],
    ["an engine without a name", { KernelVersion: "5.10.0" }, /\(5\.10\.0\)/],
  ])("because its engine runs in a virtual machine: %s", async (_, info, which) => {
    expect(await attach(info, {})).toMatchObject({
      error: {
        code: "ATTACH",
        message: expect.stringMatching(
          /^'web' runs on another kernel \(.*\) than this one \(.*\): descriptors cannot leave that kernel$/,
        ),
        hint: expect.stringContaining("ssh -t HOST porthole"),
      },
    });
    expect(await attach(info, {})).toMatchObject({ error: { message: expect.stringMatching(which) } });
  });

  test.each([
    ["runsc", "gVisor"],
    ["io.containerd.runsc.v1", "gVisor"],
    ["kata-runtime", "a virtual machine"],
    ["io.containerd.kata.v2", "a virtual machine"],
    ["krun", "a virtual machine"],
  ])("because of its runtime: %s, without another request", async (Runtime, what) => {
    expect(await attach({}, { Runtime })).toMatchObject({
      error: {
        code: "ATTACH",
        message: `'web' runs in ${what} (runtime '${Runtime}'): descriptors cannot leave that kernel`,
      },
      asked: ["/containers/web/json", `/containers/${id}/json`],
    });
  });
});

describe("a local process with the number of a container's process", () => {
  test.each([
    ["nobody", elsewhere],
    ["a stranger", process.pid],
  ])("is not entered: %s", async (_, pid) => {
    const same = { KernelVersion: release(), OperatingSystem: "Debian" };
    expect(await attach(same, { Runtime: "runc" }, pid, { route: "direct" })).toMatchObject({
      error: { code: "ATTACH", message: `process ${pid} of 'web' is not on this machine` },
    });
    // The same applies if the engine does not report its kernel.
    expect(await attach("odd", {}, pid, { route: "direct" })).toMatchObject({
      error: { message: `process ${pid} of 'web' is not on this machine` },
    });
  });
});
