import { execFileSync, type StdioOptions, spawn } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { readable } from "../../src/descriptors/poll.ts";
import { startTime } from "../../src/descriptors/process.ts";
import { FdSocket, listenAt, socketpair } from "../../src/descriptors/sockets/fd-socket.ts";
import { encodeServe } from "../../src/protocol/codec.ts";
import { VERSION } from "../../src/protocol/messages.ts";
import { agentFile, writeRecord } from "../../src/routes/agents/registry.ts";
import { ensureRunDirectory, openRunDirectory } from "../../src/routes/run-directory/run-dir.ts";
import { describeWithDocker } from "../helpers/availability.ts";
import { type Container, container, engine } from "../helpers/engine.ts";
import { repository } from "../helpers/paths.ts";
import { copyInstallation, type User, user } from "../helpers/porthole.ts";
import { isRunning } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { expectRead, listedAgents, routesInUse } from "./agents.ts";

const docker = engine("docker");

/**
 * Makes an installation with an agent of the same sources that speaks the next version of the
 * protocol.
 */
function newerAgent(): string {
  const installation = copyInstallation();
  const source = `${installation}/source`;
  cpSync(`${repository}agent`, source, { recursive: true, filter: (path) => !path.endsWith("/build") });
  const header = readFileSync(`${source}/protocol.h`, "utf8");
  const changed = header.replace(`ONE(version, ${VERSION})`, `ONE(version, ${VERSION + 1})`);
  expect(changed).not.toBe(header);
  writeFileSync(`${source}/protocol.h`, changed);
  execFileSync("make", ["-s", "-C", source]);
  cpSync(`${source}/build/porthole-agent`, `${installation}/agent/build/porthole-agent`);
  return installation;
}

/**
 * Replaces a live agent of this build by an agent of that installation, as an upgrade does.
 * Resolves with its pid.
 */
async function leaveAgent(installation: string, by: User, target: Container, engineSocket: string): Promise<number> {
  const run = ensureRunDirectory(by.env);
  const { State } = await target.handle.inspect();
  const key = { identity: target.id, generation: State.StartedAt, route: "direct" as const, user: "" };
  const directory = openRunDirectory(run.agents);
  const listener = listenAt(directory, `${agentFile(key)}.sock`, 0o600);
  const [ours, theirs] = socketpair();
  const options = ["--target-pid", String(target.pid), "--target-start", startTime(target.pid) ?? "", "--idle", "600"];
  const stdio = ["ignore", "ignore", "ignore", theirs.number] as StdioOptions;
  const program = `${installation}/agent/build/porthole-agent`;
  const child = spawn(program, ["direct", "--fd", "3", ...options, "--join-user-ns", "--device-cgroup"], {
    ...{ stdio, detached: true, env: {}, cwd: "/" },
  });
  theirs.close();
  const socket = new FdSocket(ours, { maxDescriptors: 0 });
  const serve = Buffer.from(encodeServe());
  serve.writeUInt16LE(VERSION + 1, 16);
  socket.send(serve, [listener]);
  await readable(socket.fd, { timeoutMs: 120_000 });
  // Read its announcement first: closing the socket with unread data would reset the connection,
  // and the agent would not receive the socket.
  socket.receive();
  for (const closable of [listener, directory, socket]) closable.close();
  const pid = child.pid ?? 0;
  const agent = { agentPid: pid, agentStarted: startTime(pid) ?? "" };
  writeRecord(run, {
    ...key,
    ...agent,
    name: target.name,
    engine: engineSocket,
    targetPid: target.pid,
    sidecar: "",
    created: "",
  });
  child.unref();
  return pid;
}

describeWithDocker("an agent of another version", () => {
  let installation: string;
  beforeAll(() => {
    installation = newerAgent();
  });

  test.for(["direct", "sidecar"])("is refused with status 4 and both versions, and ends (route %s)", async (route) => {
    const someone = user({ engine: docker, installation });
    const target = await container(docker, { steps: ["dir", "/d", "write", "/d/f", "text"] });
    const result = await someone.run(["cat", "--route", route, `${target.name}:/d/f`]);
    expect(result.stderr).toMatch(new RegExp(`^porthole: .*\\b${VERSION + 1}\\b.*\\b${VERSION}\\b.*\\n$`));
    expect(result).toMatchObject({ code: 4, text: "" });
    await waitFor("the refused agent to end", async () => (await routesInUse(docker, target)).length === 0);
  });

  test("of an earlier installation is replaced by the next command and ends, if no other client uses it", async () => {
    const by = user({ engine: docker });
    const target = await container(docker, { steps: ["dir", "/d", "write", "/d/f", "text"] });
    const old = await leaveAgent(installation, by, target, docker.socket);
    await expectRead(by, `${target.name}:/d/f`, "text\n", "direct, new agent");
    await waitFor("the old agent to end", () => !isRunning(old));
  });

  test("is listed, and ended by detach", async () => {
    const by = user({ engine: docker });
    const target = await container(docker, { steps: ["dir", "/d", "write", "/d/f", "text"] });
    const old = await leaveAgent(installation, by, target, docker.socket);
    expect(await listedAgents(by)).toMatchObject([{ name: target.name, route: "direct", clients: 0 }]);
    expect(await by.run(["detach", target.name])).toMatchObject({ code: 0, stdout: Buffer.of(), stderr: "" });
    await waitFor("the old agent to end", () => !isRunning(old));
    expect(await routesInUse(docker, target)).toEqual([]);
  });
});
