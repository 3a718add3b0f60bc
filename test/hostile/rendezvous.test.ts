import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import { openDirectory } from "../../src/descriptors/files/file.ts";
import type { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import { connectAt, FdSocket, socketpair } from "../../src/descriptors/sockets/fd-socket.ts";
import { encodeMessage } from "../../src/protocol/codec.ts";
import { Op, TOKEN_BYTES } from "../../src/protocol/messages.ts";
import { openRendezvous, type Rendezvous } from "../../src/routes/rendezvous/rendezvous.ts";
import { ensureRunDirectory, MOUNT_POINT, type RunDirectory } from "../../src/routes/run-directory/run-dir.ts";
import { owned, temporaryDirectory } from "../descriptors/fixtures.ts";
import { controlMessage, ints, rawSend } from "../descriptors/raw-message.ts";
import { runScript } from "../descriptors/run-script.ts";
import { describeAsRoot, describeWith } from "../helpers/availability.ts";
import { container, engine } from "../helpers/engine.ts";
import { compileFixture } from "../helpers/fuse.ts";
import { ORDINARY_USER, OTHER_USER } from "../helpers/machine.ts";
import { mountBinds, type User, user } from "../helpers/porthole.ts";
import { descriptorCount } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { agentInfo } from "../protocol/samples.ts";

/*
 * Any process with the directory mounted may connect to the rendezvous: another container, or
 * another user in the container. Only the started agent may be accepted.
 */

interface Meeting {
  run: RunDirectory;
  rendezvous: Rendezvous;
  token: Buffer;
  /** Connects like any process that has the mount. */
  connect(): FdSocket;
}

function meeting(): Meeting {
  const run = ensureRunDirectory({ XDG_STATE_HOME: temporaryDirectory() });
  const rendezvous = owned(openRendezvous(run));
  const name = rendezvous.insidePath.replace(/^.*\//, "");
  const connect = () => {
    const directory = openDirectory(run.mount);
    try {
      return owned(new FdSocket(connectAt(directory, name), { maxDescriptors: 1 }));
    } finally {
      directory.close();
    }
  };
  return { run, rendezvous, token: Buffer.from(rendezvous.tokenLine.trim(), "hex"), connect };
}

test("a program that exits while it waits for an agent leaves no rendezvous", async () => {
  const state = temporaryDirectory();
  const { status, stdout, stderr } = await runScript(
    `
    import { readdirSync } from "node:fs";
    import { openRendezvous } from "../routes/rendezvous/rendezvous.ts";
    import { ensureRunDirectory } from "../routes/run-directory/run-dir.ts";
    const run = ensureRunDirectory({ XDG_STATE_HOME: process.argv[2] });
    openRendezvous(run);
    openRendezvous(run).close();
    console.log(readdirSync(run.mount).length);
    process.exit(3);
  `,
    [state],
  );
  expect({ status, stdout: stdout.toString(), stderr }).toEqual({ status: 3, stdout: "1\n", stderr: "" });
  expect(readdirSync(`${state}/porthole/mnt`)).toEqual([]);
});

const announce = (token: Uint8Array, info = agentInfo({ route: "mount" })) =>
  encodeMessage(Op.announce, 0, Buffer.concat([token, info]));
const listener = (): OwnedFd => {
  const [one, other] = socketpair();
  owned(other);
  return owned(one);
};
const ours = async () => true;
const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 5));

/**
 * Resolves with "served" if the peer received the listening socket, and with "dropped" after its
 * connection has ended.
 */
async function outcome(peer: FdSocket): Promise<"served" | "dropped"> {
  return waitFor("the peer to be answered", () => {
    const packet = peer.receive();
    if (packet === "again") return undefined;
    if (packet === "end") return "dropped";
    for (const fd of packet.descriptors) fd.close();
    return "served";
  });
}

describe("at the rendezvous", () => {
  const wrong: [string, (peer: FdSocket, token: Buffer) => void][] = [
    ["another token", (peer) => peer.send(announce(Buffer.alloc(TOKEN_BYTES, 7)))],
    ["a token of zeros", (peer) => peer.send(announce(Buffer.alloc(TOKEN_BYTES)))],
    ["half of the token", (peer, token) => peer.send(encodeMessage(Op.announce, 0, token.subarray(0, 16)))],
    [
      "the token behind another id",
      (peer, token) => peer.send(encodeMessage(Op.announce, 5, Buffer.concat([token, agentInfo()]))),
    ],
    [
      "the token in another message",
      (peer, token) => peer.send(encodeMessage(Op.hello, 0, Buffer.concat([token, agentInfo()]))),
    ],
    ["the token and a descriptor", (peer, token) => rawSend(peer.fd, announce(token), controlMessage(ints(0)))],
    ["an empty packet", (peer) => rawSend(peer.fd, new Uint8Array(0))],
    ["noise", (peer) => peer.send(Buffer.alloc(65_536, 0xee))],
    ["nothing, and goes", (peer) => peer.close()],
  ];

  test.each(wrong)("a peer with %s is dropped, and the wait for the agent continues", async (_, say) => {
    const { rendezvous, token, connect } = meeting();
    const met = rendezvous.accept(listener(), ours, { timeoutMs: 20_000 });
    const peer = connect();
    say(peer, token);
    if (!peer.fd.closed) expect(await outcome(peer)).toBe("dropped");
    const right = connect();
    right.send(announce(token));
    expect(await outcome(right)).toBe("served");
    expect((await met).info.route).toBe("mount");
  });

  test("the right token from another process is refused", async () => {
    const { rendezvous, token, connect } = meeting();
    const asked: number[] = [];
    const isOurs = async (pid: number) => asked.push(pid) > 1;
    const met = rendezvous.accept(listener(), isOurs, { timeoutMs: 20_000 });
    const thief = connect();
    thief.send(announce(token));
    expect(await outcome(thief)).toBe("dropped");
    const right = connect();
    right.send(announce(token));
    expect(await outcome(right)).toBe("served");
    await met;
    expect(asked).toEqual([process.pid, process.pid]);
  });

  test("the token is valid once: a replay and a concurrent peer receive no socket", async () => {
    const { run, rendezvous, token, connect } = meeting();
    const met = rendezvous.accept(listener(), ours, { timeoutMs: 20_000 });
    const peers = [connect(), connect(), connect()];
    for (const peer of peers) peer.send(announce(token));
    expect((await Promise.all(peers.map(outcome))).filter((what) => what === "served").length).toBeGreaterThan(0);
    await met;
    expect(() => connect()).toThrow(expect.objectContaining({ errno: "ENOENT" }));
    expect(readdirSync(run.mount)).toEqual([]);
  });

  test("silent peers do not block the agent, and their descriptors are closed", async () => {
    const { rendezvous, token, connect } = meeting();
    const before = descriptorCount();
    const met = rendezvous.accept(listener(), ours, { timeoutMs: 20_000 });
    const silent: FdSocket[] = [];
    // The listener's queue holds 128 connections.
    for (let round = 0; round < 4; round++) {
      for (let count = 0; count < 50; count++) silent.push(connect());
      await turn();
    }
    // The last 64 of 200 peers are kept, each with a socket and a pidfd. The others are evicted.
    // Otherwise a container could exhaust our descriptors.
    await waitFor("the oldest clients to be evicted", () => descriptorCount() <= before + silent.length + 2 * 64 + 4);
    const right = connect();
    right.send(announce(token));
    expect(await outcome(right)).toBe("served");
    await met;
    for (const peer of silent) expect(await outcome(peer)).toBe("dropped");
    for (const peer of [...silent, right]) peer.close();
    await waitFor("the descriptors to be closed", () => descriptorCount() <= before + 2);
  });

  test("the timeout reports peers that were refused", async () => {
    const { rendezvous, connect } = meeting();
    const met = rendezvous.accept(listener(), ours, { timeoutMs: 3000 });
    const ended = expect(met).rejects.toMatchObject({
      ...{ code: "ATTACH", errno: "ETIMEDOUT", hint: expect.stringMatching(/^2 other connections .* were refused/) },
    });
    const peers = [connect(), connect()];
    for (const peer of peers) peer.send(announce(Buffer.alloc(TOKEN_BYTES, 7)));
    for (const peer of peers) expect(await outcome(peer)).toBe("dropped");
    await ended;
  });

  test("a missing agent ends the wait at the timeout with one line, and no file remains", async () => {
    const { run, rendezvous } = meeting();
    await expect(rendezvous.accept(listener(), ours, { timeoutMs: 50 })).rejects.toMatchObject({
      ...{ code: "ATTACH", errno: "ETIMEDOUT", message: "the agent did not connect within 0.05 s" },
    });
    expect(readdirSync(run.mount)).toEqual([]);
  });
});

describeAsRoot("another user of this machine", () => {
  test("can reach neither an agent's socket nor the rendezvous", async () => {
    const one = user({ uid: ORDINARY_USER });
    await one.run(["docker-args"]);
    const { spawnSync } = await import("node:child_process");
    for (const part of ["", "/agents", "/mnt"]) {
      const path = `${one.directory}/state/porthole${part}`;
      expect(existsSync(path), part).toBe(true);
      const { status } = spawnSync("setpriv", [
        `--reuid=${OTHER_USER}`,
        `--regid=${OTHER_USER}`,
        "--clear-groups",
        "ls",
        path,
      ]);
      expect(status, part).not.toBe(0);
    }
  });

  test("that created the run directory first causes an error in one line", async () => {
    const victim = user({ uid: ORDINARY_USER });
    // Root owns the directory at the user's path.
    mkdirSync(`${victim.directory}/state/porthole`, { mode: 0o700 });
    const result = await victim.run(["cat", `${"ab".repeat(32)}:/x`]);
    expect(result.code).toBe(4);
    expect(result.stderr).toMatch(/^porthole: the run directory .* cannot be trusted: it belongs to uid 0[^\n]*\n$/);
    rmSync(`${victim.directory}/state/porthole`, { recursive: true });
  });
});

describeWith(["root", "docker"], "another container with the same mount", () => {
  /**
   * Attaches to a container in which another program replaces the agent. Resolves with the secrets
   * that this program received.
   */
  async function stolen(someone: User, bind: string) {
    const { directory } = inject("machine");
    const program = `${directory}/token-thief`;
    compileFixture("token-thief", program);
    const said = mkdtempSync(`${directory}/thief-`);
    const target = await container(engine("docker"), {
      host: { Binds: [bind, `${program}:${MOUNT_POINT}/agent:ro`, `${said}:/said`] },
    });
    const attaching = someone.run(["cat", "--route", "mount", `${target.name}:/note`]);
    await waitFor("the token", () => existsSync(`${said}/token`));
    const [socket = "", token = ""] = readFileSync(`${said}/token`, "utf8").split("\n");
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    return { target, attaching, socket, token };
  }

  test("with the token of the rendezvous is refused, and none of its files is shown", async () => {
    const someone = user({ engine: engine("docker") });
    const [bind = ""] = await mountBinds(someone);
    const other = await container(engine("docker"), {
      steps: ["write", "/note", "of another"],
      host: { Binds: [bind] },
    });
    const { target, attaching, socket, token } = await stolen(someone, bind);
    // Runs the right program with the right token and path, but in the wrong container.
    const exec = await other.handle.exec({
      Cmd: [`${MOUNT_POINT}/agent`, "mount", "--socket", socket, "--token-stdin"],
      ...{ User: "0", AttachStdin: true, AttachStdout: true, AttachStderr: true },
    });
    const stream = await exec.start({ hijack: true, stdin: true });
    stream.resume();
    stream.write(`${token}\n`);
    const result = await attaching;
    expect(result).toMatchObject({ code: 4, text: "" });
    expect(result.stderr).toContain("1 other connections to its socket were refused");
    await waitFor("the other's agent to end", async () => !(await exec.inspect()).Running);
    expect((await exec.inspect()).ExitCode).not.toBe(0);
    stream.destroy();
    await Promise.all([target.remove(), other.remove()]);
  });

  test("that connects to each rendezvous with noise or an old token is refused, and the right agent is accepted", async () => {
    const program = `${inject("machine").directory}/intruder`;
    compileFixture("intruder", program);
    const someone = user({ engine: engine("docker") });
    const [bind = ""] = await mountBinds(someone);
    const { target: robbed, attaching, token } = await stolen(someone, bind);
    await robbed.remove();
    await attaching;
    const said = mkdtempSync(`${inject("machine").directory}/intruder-`);
    const target = await container(engine("docker"), { steps: ["write", "/note", "x"], host: { Binds: [bind] } });
    const other = await container(engine("docker"), {
      command: ["/b/intruder", MOUNT_POINT, "/said/log", token],
      host: { Binds: [bind, `${program}:/b/intruder:ro`, `${said}:/said`] },
    });
    const log = () => (existsSync(`${said}/log`) ? readFileSync(`${said}/log`, "utf8") : "");
    await waitFor("the other container to watch", () => log().startsWith("watching"));
    // On a busy machine the intruder is too late for some of them.
    for (let round = 0; round < 200 && (log().match(/refused/g)?.length ?? 0) < 8; round++) {
      const result = await someone.run(["cat", "--route", "mount", `${target.name}:/note`]);
      expect(result).toMatchObject({ code: 0, stderr: "", text: "x\n" });
      expect((await someone.run(["detach", target.name])).code).toBe(0);
    }
    const words = log();
    expect(words.match(/refused/g)?.length).toBeGreaterThanOrEqual(8);
    expect(words).not.toContain("served");
    // It may only connect to this directory.
    expect(words).toContain("cannot bind: Read-only file system");
    await Promise.all([target.remove(), other.remove()]);
  });
});

describeWith(["root", "docker"], "a rendezvous directory with planted files", () => {
  test("is used, and no target of a link is changed", async () => {
    const someone = user({ engine: engine("docker") });
    const binds = await mountBinds(someone);
    const mount = `${someone.directory}/state/porthole/mnt`;
    const precious = `${someone.directory}/precious`;
    writeFileSync(precious, "untouched\n", { mode: 0o600 });
    const target = await container(engine("docker"), {
      steps: ["write", "/note", "x"],
      host: { Binds: binds },
    });
    rmSync(`${mount}/agent`, { force: true });
    symlinkSync(precious, `${mount}/agent`);
    for (let index = 0; index < 300; index++)
      symlinkSync(precious, `${mount}/r-${index.toString(16).padStart(24, "0")}.sock`);
    const servers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => {
        const server = createServer();
        return new Promise<typeof server>((resolve) =>
          server.listen(`${mount}/planted-${index}.sock`, () => resolve(server)),
        );
      }),
    );
    onTestFinished(() => {
      for (const server of servers) server.close();
    });
    const result = await someone.run(["cat", "--route", "mount", `${target.name}:/note`]);
    expect(result).toMatchObject({ code: 0, stderr: "", text: "x\n" });
    expect([readFileSync(precious, "utf8"), statSync(precious).mode & 0o777]).toEqual(["untouched\n", 0o600]);
    await target.remove();
  });
});
