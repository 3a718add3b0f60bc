import { spawnSync } from "node:child_process";
import { kill } from "node:process";
import { expect, onTestFinished, test, vi } from "vitest";
import type { PortholeError } from "../../src/errors.ts";
import { followPath } from "../../src/follow/follow-path.ts";
import { type ConnectOptions, connect } from "../../src/sessions/connect.ts";
import { temporaryDirectory } from "../descriptors/fixtures.ts";
import { sandboxOfTests } from "../helpers/namespaces.ts";
import { repository } from "../helpers/paths.ts";
import { descriptorCount, directAgents } from "../helpers/processes.ts";

const target = sandboxOfTests({ steps: ["write", "/tmp/file", "content"] });

async function session(options: ConnectOptions = {}) {
  vi.stubEnv("XDG_STATE_HOME", temporaryDirectory());
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  const one = await connect(`pid:${target.pid}`, { idleSeconds: 3, ...options });
  onTestFinished(() => one.close());
  return one;
}

/** Resolves with the error of a promise. */
async function errorOf(promise: Promise<unknown>): Promise<Partial<PortholeError>> {
  const error = await promise.then(
    () => undefined,
    (reason: PortholeError) => reason,
  );
  return { code: error?.code, errno: error?.errno, message: error?.message } as Partial<PortholeError>;
}

test.each<[string, object]>([
  ["unknown route 'sideways'", { route: "sideways" }],
  ["idleSeconds must be an integer from 1 to 604800, not 0", { idleSeconds: 0 }],
  ["idleSeconds must be an integer from 1 to 604800, not 1.5", { idleSeconds: 1.5 }],
  ["timeoutMs must be above 0 and at most 2147483647, not NaN", { timeoutMs: Number.NaN }],
  ["requestTimeoutMs must be above 0 and at most 2147483647, not Infinity", { requestTimeoutMs: Infinity }],
])("connect rejects with USAGE: %s", async (message, options) => {
  for (const name of [`pid:${target.pid}`, "/"])
    expect(await errorOf(connect(name, options))).toEqual({ code: "USAGE", errno: undefined, message });
});

test("connect with a signal that has aborted rejects with CANCELLED, also with a live agent", async () => {
  await session();
  const signal = AbortSignal.abort(new Error("enough"));
  for (const name of [`pid:${target.pid}`, "/", "web:@logs"])
    await expect(connect(name, { signal })).rejects.toMatchObject({ code: "CANCELLED", cause: signal.reason });
});

test("a signal that aborts while a live agent is silent ends the attach and closes its descriptors", async () => {
  await session();
  const [agent = 0] = directAgents(target.pid).agents;
  kill(agent, "SIGSTOP");
  onTestFinished(() => {
    kill(agent, "SIGCONT");
  });
  const before = descriptorCount();
  const controller = new AbortController();
  const connecting = errorOf(connect(`pid:${target.pid}`, { signal: controller.signal }));
  setImmediate(() => controller.abort());
  expect((await connecting).code).toBe("CANCELLED");
  expect(descriptorCount()).toBe(before);
});

test("a position that is not an offset is an error, and reads nothing at the shared offset", async () => {
  const one = await session();
  const file = await one.open("/tmp/file");
  onTestFinished(() => file.close());
  for (const position of [-1, -1n, 1.5, Number.NaN]) {
    const invalid = expect.objectContaining({ code: "FILE", errno: "EINVAL" });
    expect(() => file.read(Buffer.alloc(4), position)).toThrow(invalid);
    await expect(file.stream({ start: position }).next()).rejects.toThrow(invalid);
  }
});

test("arguments out of range reject with USAGE, and the session stays open", async () => {
  const one = await session();
  const from = async (start: number) => {
    for await (const _ of followPath(one, "/tmp/file", { from: start })) return;
  };
  const calls = [
    one.open("/tmp/file", { offset: -1n }),
    one.openProcessFile(-1, 0),
    one.watch("/tmp", -1, () => {}),
    from(-1),
    from(Number.NaN),
  ];
  for (const call of calls) expect((await errorOf(call)).code).toBe("USAGE");
  expect(one.ended).toBeUndefined();
});

test("a worker thread gets USAGE before anything is opened", () => {
  const library = `${repository}dist/index.js`;
  const inWorker = `import(${JSON.stringify(library)}).then(async ({ connect, list }) => {
    for (const call of [() => connect("pid:${target.pid}"), () => connect("/"), list])
      await call().catch(({ code, message }) => console.log(code, message));
  })`;
  const program = `new (require("node:worker_threads").Worker)(${JSON.stringify(inWorker)}, { eval: true })`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["-e", program], { encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toBe("USAGE cannot wait for descriptors in a worker thread: use the main thread\n".repeat(3));
});
