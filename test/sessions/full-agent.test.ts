import { readdirSync } from "node:fs";
import { expect, onTestFinished, test, vi } from "vitest";
import { connectAt, FdSocket } from "../../src/descriptors/sockets/fd-socket.ts";
import { type AgentInfo, FullAgentError } from "../../src/protocol/agent-info.ts";
import { encode } from "../../src/protocol/codec.ts";
import { Op } from "../../src/protocol/messages.ts";
import { openRunDirectory } from "../../src/routes/run-directory/run-dir.ts";
import { connect } from "../../src/sessions/connect.ts";
import { RawSession } from "../helpers/agent.ts";
import { sandbox } from "../helpers/namespaces.ts";
import { type User, user } from "../helpers/porthole.ts";
import { directAgents } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";

const MAX_CLIENTS = 64;

/** Starts an agent for a process and uses all its sessions. */
async function fullAgent(by: User) {
  const { pid } = await sandbox({ steps: ["write", "/file", "content"] });
  const file = `pid:${pid}:/file`;
  expect((await by.run(["cat", file])).text).toBe("content\n");
  const agents = `${by.directory}/state/porthole/agents`;
  const sockets = () => readdirSync(agents).filter((name) => name.endsWith(".sock"));
  const directory = openRunDirectory(agents);
  onTestFinished(() => directory.close());
  const [socket = ""] = sockets();
  const connectRaw = () => new RawSession(new FdSocket(connectAt(directory, socket), { maxDescriptors: 0 }));
  const sessions = Array.from({ length: MAX_CLIENTS }, connectRaw);
  onTestFinished(() => {
    for (const session of sessions) session.close();
  });
  for (const session of sessions) await session.must(Op.hello, encode.hello());
  return { pid, file, socket, sockets, sessions, connectRaw };
}

test("six commands that an agent with 64 clients cannot serve wait, and no other agent replaces it", async () => {
  const by = user();
  const { pid, file, socket, sockets, sessions } = await fullAgent(by);
  const { agents } = directAgents(pid);
  const listed = await by.run(["agents", "--json"]);
  expect(JSON.parse(listed.text)).toMatchObject({ name: `pid:${pid}`, clients: MAX_CLIENTS });
  const waiting = Array.from({ length: 6 }, () => by.run(["cat", file]));
  const first = await Promise.race([...waiting, refusedOnce(by, file)]);
  expect(first).toBe("refused");
  for (const session of sessions.splice(0, 6)) session.close();
  for (const { code, text, stderr } of await Promise.all(waiting))
    expect([code, text, stderr]).toEqual([0, "content\n", ""]);
  expect(sockets()).toEqual([socket]);
  expect(directAgents(pid).agents).toEqual(agents);
});

/** Resolves after the agent refused a client, so every client that connected before has waited. */
async function refusedOnce(by: User, file: string): Promise<"refused"> {
  vi.stubEnv("XDG_STATE_HOME", `${by.directory}/state`);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  const target = file.slice(0, file.lastIndexOf(":"));
  await expect(connect(target, { timeoutMs: 1 })).rejects.toMatchObject({
    ...{ code: "ATTACH", errno: "EUSERS", hint: "end one of them, then retry" },
    message: `cannot attach to '${target}': the agent serves 64 clients and has no room for another`,
  });
  return "refused";
}

test("an agent with a low limit of open files serves 40 clients at a time, and no other agent is started", async () => {
  const by = user();
  const { pid } = await sandbox();
  const file = `pid:${pid}:/proc/version`;
  const before = ["sh", "-c", 'ulimit -n 30; exec "$@"', "sh", "setpriv", "--bounding-set", "-sys_resource"];
  expect((await by.run(["cat", file], { before })).code).toBe(0);
  vi.stubEnv("XDG_STATE_HOME", `${by.directory}/state`);
  onTestFinished(() => void vi.unstubAllEnvs());
  const sessions = await Promise.all(Array.from({ length: 40 }, () => connect(`pid:${pid}`)));
  const contents = await Promise.all(
    sessions.map(async (session) => {
      const opened = await session.open("/proc/version");
      const buffer = Buffer.alloc(1_000);
      const text = buffer.toString("latin1", 0, opened.read(buffer, 0));
      opened.close();
      return text;
    }),
  );
  for (const session of sessions) session.close();
  expect(new Set(contents).size).toBe(1);
  expect(directAgents(pid).agents).toHaveLength(1);
});

test.each([
  [3, "it started with a low limit of processes: end it with porthole detach, raise ulimit -u, then retry"],
  [MAX_CLIENTS, "end one of them, then retry"],
])("an agent that has no room with %i clients is an error with a remedy", (clients, hint) => {
  expect(new FullAgentError({ clients } as AgentInfo)).toMatchObject({ errno: "EUSERS", hint });
});

test("detach ends an agent with 64 clients", async () => {
  const by = user();
  const { pid, sockets } = await fullAgent(by);
  expect(await by.run(["detach", `pid:${pid}`])).toMatchObject({ code: 0, stderr: "" });
  expect(sockets()).toEqual([]);
  await waitFor("the agent's end", () => directAgents(pid).agents.length === 0);
});

test("an agent that does not respond gets another name, and detach still ends it", async () => {
  const by = user();
  const { pid, file, socket, sockets, sessions } = await fullAgent(by);
  for (const session of sessions) session.close();
  const [stopped = 0] = directAgents(pid).agents;
  process.kill(stopped, "SIGSTOP");
  onTestFinished(() => {
    process.kill(stopped, "SIGCONT");
  });
  expect((await by.run(["cat", file])).text).toBe("content\n");
  expect(sockets()).toHaveLength(2);
  expect(sockets()).toContain(socket);
  const agents = directAgents(pid).agents;
  expect(agents).toContain(stopped);
  expect((await by.run(["detach", `pid:${pid}`])).code).toBe(0);
  expect(sockets()).toEqual([]);
});
