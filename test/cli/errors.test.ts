import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { constants } from "node:os";
import { describe, expect, onTestFinished, test } from "vitest";
import { exitStatus, printable } from "../../cli/io/fail.ts";
import { EPOLLIN } from "../../src/descriptors/constants.ts";
import { Reactor, readable } from "../../src/descriptors/poll.ts";
import { acceptFrom, FdSocket } from "../../src/descriptors/sockets/fd-socket.ts";
import { PortholeError } from "../../src/errors.ts";
import { decodeMessage, encodeMessage } from "../../src/protocol/codec.ts";
import { Op, REPLY, VERSION } from "../../src/protocol/messages.ts";
import type { AgentKey } from "../../src/routes/agents/agent-record.ts";
import { ensureRunDirectory } from "../../src/routes/run-directory/run-dir.ts";
import { sanitiseText } from "../../src/text/index.ts";
import { temporaryDirectory } from "../descriptors/fixtures.ts";
import { describeAsRoot } from "../helpers/availability.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { builtCommand } from "../helpers/paths.ts";
import { type User, user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { agentInfo } from "../protocol/samples.ts";
import { CONTAINER_ID, registerAgent } from "../routes/registered-agent.ts";

const someone = user();

describe("an error", () => {
  test("has the documented status for its code", () => {
    const of = (code: ConstructorParameters<typeof PortholeError>[0], errno?: string) =>
      exitStatus(new PortholeError(code, "", { errno }));
    expect([of("FILE"), of("USAGE"), of("TARGET"), of("ATTACH"), of("SESSION"), of("CANCELLED")]).toEqual([
      ...[1, 2, 3, 4, 5, 130],
    ]);
    expect(of("CANCELLED", "ETIMEDOUT")).toBe(5);
    expect([new Error("x"), undefined, null, "text", { code: "ENOENT" }].map(exitStatus)).toEqual([1, 1, 1, 1, 1]);
  });

  test("shows control characters as ls does on a terminal", () => {
    const text = "a\u001b[31mb\r\n\t\u0007\u007f\u009b\u00ad\u200e\u202e\u2028\udcff\ud800é€😀";
    expect(printable(text)).toBe("a^[[31mb^M^J^I^G^?<9B><U+00AD><U+200E><U+202E><U+2028><FF><U+D800>é€😀");
    expect(printable(text)).toBe(sanitiseText(text));
  });

  test.each<[string, string[], number, RegExp]>([
    ["an empty target", ["cat", ""], 2, /^porthole: an empty target \(.*\)\n$/],
    [
      "a target without a path",
      ["cat", "web:"],
      2,
      /^porthole: 'web:' has no path \(write web:\/ for the root, or .*\)\n$/,
    ],
    [
      "a volume without a path",
      ["ls", "volume:data"],
      2,
      /^porthole: 'volume:data' .* \(write volume:data:\/ for all .*\)\n$/,
    ],
    [
      "a name that no container has",
      ["cat", "a b:/x"],
      2,
      /^porthole: 'a b:\/x': 'a b' is not a valid container name \(.*\)\n$/,
    ],
    [
      "a process that is none",
      ["cat", "pid:x:/y"],
      2,
      /^porthole: 'pid:x:\/y' is not of the form pid:NUMBER:PATH \(.*\)\n$/,
    ],
    ["a process that does not exist", ["cat", "pid:2147483647:/x"], 3, /^porthole: no such process: 2147483647\n$/],
    [
      "a process by another route",
      ["cat", "--route", "sidecar", "pid:1:/x"],
      2,
      /^porthole: pid:1: route 'sidecar' is for containers/,
    ],
    ["an unknown option", ["cat", "--sideways", "x"], 2, /^porthole: unknown option '--sideways'\n$/],
    ["an unknown command", ["cta", "x"], 2, /^porthole: unknown command 'cta'.*\n$/],
    [
      "a command of docker",
      ["logs", "-f", "web"],
      2,
      /^porthole: unknown command 'logs' \(write porthole tail -F web:@logs\)\n$/,
    ],
    [
      "a command of another program, with a target",
      ["less", "web:/etc/hosts"],
      2,
      /^porthole: unknown command 'less' \(write porthole open web:\/PATH\)\n$/,
    ],
    [
      "help for an unknown command",
      ["help", "tial"],
      2,
      /^porthole: unknown command 'tial' \(Did you mean tail\?\)\n$/,
    ],
    [
      "a command of with without --",
      ["with", "web:/etc/passwd", "wc", "-l"],
      125,
      /^porthole: unknown option '-l' \(write the command after --: porthole with TARGET -- COMMAND\)\n$/,
    ],
    [
      "an option before the command",
      ["--engine", "far", "ls", "web:/"],
      2,
      /^porthole: '--engine' is before the command 'ls' \(options go after the command: porthole ls --engine far web:\/\)\n$/,
    ],
    ["an unknown route", ["cat", "--route", "teleport", "x"], 2, /^porthole: .*'teleport' is invalid.*\n$/],
    [
      "seconds that are none",
      ["cat", "--idle", "0", "x"],
      2,
      /^porthole: .*Use a number of seconds from 1 to 86400\.\n$/,
    ],
    [
      "diff of two containers",
      ["diff", "web:/etc", "api:/etc"],
      2,
      /^porthole: diff compares one container with its image \(two: porthole with .* -- diff -r {}\)\n$/,
    ],
    ["no target", ["ls"], 2, /^porthole: missing required argument 'target'\n$/],
    ["nobody to detach", ["detach", "nobody"], 3, /^porthole: no agent for 'nobody' \(.*\)\n$/],
    ["detach without a word", ["detach"], 2, /^porthole: detach needs either a name or --all \(.*\)\n$/],
    ["detach with too many", ["detach", "--all", "web"], 2, /^porthole: detach needs either a name or --all \(.*\)\n$/],
    [
      "an engine's address that is none",
      ["cat", "--engine", "unix://x", "web:/x"],
      2,
      /^porthole: --engine: invalid engine address 'unix:\/\/x' \(.*\)\n$/,
    ],
  ])("about %s is one line with its status", async (_, args, code, line) => {
    const result = await someone.run(args);
    expect(result.stderr).toMatch(line);
    expect(result).toMatchObject({ code, text: "" });
  });

  test("has a stack trace only with PORTHOLE_DEBUG", async () => {
    const args = ["cat", "/none/such"];
    expect((await someone.run(args)).stderr).toBe("porthole: /none/such: No such file or directory\n");
    expect((await someone.run(args, { env: { PORTHOLE_DEBUG: "1" } })).stderr).toMatch(/\n.*\bat .*\.js/);
  });

  test("about a run directory that cannot be created has none of Node's words", async () => {
    const { stderr } = await someone.run(["cat", "pid:1:/x"], { env: { XDG_STATE_HOME: "/proc/nope" } });
    expect(stderr).toBe(
      "porthole: cannot create the run directory /proc/nope/porthole: mkdir /proc/nope failed: " +
        "no such file or directory (set XDG_STATE_HOME to a writable directory)\n",
    );
  });

  test("about a run directory that other users can write to names the directory", async () => {
    const result = await someone.run(["agents"], { env: { XDG_STATE_HOME: "/etc/hostname" } });
    expect(result.stderr).toMatch(
      /^porthole: cannot create the run directory \/etc\/hostname\/porthole: .*\(set XDG_STATE_HOME.*\)\n$/,
    );
    expect(result).toMatchObject({ code: 4, text: "" });
  });
});

describeAsRoot("a user without HOME and without an entry in passwd(5)", () => {
  test("gets one line without Node's words", async () => {
    const ordinary = user({ uid: ORDINARY_USER });
    const before = ["env", "-u", "HOME", "-u", "XDG_STATE_HOME"];
    const { code, stderr } = await ordinary.run(["cat", "pid:1:/x"], { before });
    expect(stderr).toBe(
      "porthole: no directory for sockets: HOME is not an absolute path, and uid " +
        `${ORDINARY_USER} has no entry in passwd(5) (set XDG_STATE_HOME to a writable directory)\n`,
    );
    expect(code).toBe(4);
  });
});

test("another system than Linux gives one line, before any Linux-only code is loaded", () => {
  const preload = `${temporaryDirectory()}/elsewhere.cjs`;
  writeFileSync(preload, 'Object.defineProperty(process, "platform", { value: "darwin" });');
  for (const args of [["cat", "/etc/hostname"], ["--version"], []]) {
    const result = spawnSync(process.execPath, ["--require", preload, builtCommand, ...args], {
      ...{ env: someone.env, encoding: "utf8" },
    });
    expect([result.status, result.stdout, result.stderr]).toEqual([
      ...[1, ""],
      "porthole: cannot run on darwin: porthole passes file descriptors between Linux namespaces\n",
    ]);
  }
});

test("Ctrl-C immediately ends the wait for an engine that never responds", async () => {
  const path = `${temporaryDirectory()}/engine.sock`;
  let asked = 0;
  const server = createServer((client) => {
    client.on("data", () => asked++).on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => void server.close());
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    const before = asked;
    const running = someone.start(["cat", "--engine", path, "web:/x"]);
    await waitFor("its question", () => asked > before);
    await waitFor("its handler", () => isCaught(running.pid, signal));
    running.child.kill(signal);
    expect(await running.ended).toEqual({ code: null, signal });
    expect(running.complaints()).toBe("");
  }
});

describe("a standard output that fails", () => {
  const full = ["sh", "-c", 'exec "$@" >/dev/full', "sh"];

  test.each([
    ...["--help", "cat @ @", "ls -d @ @", "stat @ @", "find @", "hexdump @", "docker-args"],
    "completion bash",
  ])("ends porthole %s with one line", async (line) => {
    const someone = user();
    writeFileSync(`${someone.directory}/f`, "content\n");
    const { code, stderr } = await someone.run(words(line, someone), { before: full });
    expect([code, stderr]).toEqual([1, "porthole: write error: No space left on device\n"]);
  });

  test.each([
    ...["head -v @ @", "head -n -1 @huge", "head -c -0 @huge", "head -c -1 @huge", "head --json @"],
    ...["tail -f @", "tail -c +2 @huge", "tail -c 1G @huge", "tail --prefix @"],
  ])("ends porthole %s with GNU's line, immediately for a file of any size", async (line) => {
    const someone = user();
    writeFileSync(`${someone.directory}/f`, "content\n");
    const huge = `${someone.directory}/fhuge`;
    writeFileSync(huge, "line\n".repeat(20_000));
    truncateSync(huge, 2 ** 36);
    appendFileSync(huge, "one\ntwo\n");
    const { code, stderr } = await someone.run(words(line, someone), { before: full });
    const [command] = line.split(" ");
    expect([code, stderr]).toEqual([1, `${command}: error writing 'standard output': No space left on device\n`]);
  });

  test("ends porthole grep with its own status for failures", async () => {
    const someone = user();
    writeFileSync(`${someone.directory}/f`, "content\n");
    const { code, stderr } = await someone.run(words("grep t @ @", someone), { before: full });
    expect([code, stderr]).toEqual([2, "porthole: write error: No space left on device\n"]);
  });

  test("ends a help text with SIGPIPE's status and without a message when the reader is gone", async () => {
    const someone = user();
    const go = `${someone.directory}/go`;
    const whenToldTo = ["sh", "-c", `until [ -e ${go} ]; do sleep 0.02; done; exec "$@"`, "sh"];
    const running = someone.start(["--help"], { before: whenToldTo });
    const closed = once(running.stdout, "close");
    running.stdout.destroy();
    await closed;
    writeFileSync(go, "");
    expect(await running.ended).toEqual({ code: 128 + constants.signals.SIGPIPE, signal: null });
    expect(running.complaints()).toBe("");
  });

  const words = (line: string, { directory }: User) =>
    line.split(" ").map((word) => word.replace("@", `${directory}/f`));
});

describe("an agent with a wrong socket or record", () => {
  const key: AgentKey = { identity: CONTAINER_ID, generation: "2026-01-02T03:04:05Z", route: "sidecar", user: "" };

  /**
   * Listens at the socket of an agent, and responds to HELLO with `body`, which no agent of this
   * build sends.
   */
  function pretend(body: Uint8Array, error: number): { sessions: () => number } {
    const listener = registerAgent(ensureRunDirectory(someone.env), key);
    let count = 0;
    const watch = Reactor.shared().watch(listener, EPOLLIN, () => {
      for (let peer = acceptFrom(listener); peer !== undefined; peer = acceptFrom(listener)) {
        const socket = new FdSocket(peer, { maxDescriptors: 0 });
        readable(peer).then(() => {
          const packet = socket.receive();
          if (typeof packet !== "string") {
            const { id: request } = decodeMessage(packet.data, 0);
            socket.send(encodeMessage(Op.hello | REPLY, request, body, 0, error));
            count++;
          }
          socket.close();
        });
      }
    });
    onTestFinished(() => watch.close());
    return { sessions: () => count };
  }

  test.each([
    // The second session uses the agent's version, to end the agent.
    ["of another version without another client", agentInfo({ version: VERSION + 1, clients: 1 }), 71, 2],
    ["of another version that another client uses", agentInfo({ version: VERSION + 1, clients: 2 }), 71, 1],
    [
      "of another version whose info has another form",
      Buffer.concat([agentInfo({ version: VERSION + 1 }), Buffer.alloc(9)]),
      71,
      2,
    ],
    ["that describes itself with nonsense", Buffer.alloc(3, VERSION), 0, 2],
    ["that refuses", agentInfo(), 11, 1],
  ])("%s is skipped, and another agent is started", async (_, body, error, expected) => {
    const { sessions } = pretend(body, error);
    // The error shows that porthole tried to start an agent: no engine is available.
    const result = await someone.run(["cat", `${CONTAINER_ID}:/etc/hostname`]);
    expect(sessions()).toBe(expected);
    expect(result.stderr).toMatch(
      /^porthole: cannot connect to the container engine at \S+ \(DOCKER_HOST\): no engine is listening there \(.*\)\n$/,
    );
    expect(result).toMatchObject({ code: 3, text: "" });
  });

  test("that refuses a session of its own version is not listed", async () => {
    const { sessions } = pretend(agentInfo({ version: VERSION + 1 }), 71);
    const result = await someone.run(["agents", "--json"]);
    expect(sessions()).toBe(2);
    expect(result).toMatchObject({ code: 0, stderr: "", text: "" });
  });
});

/** True if the process handles the signal (SigCgt in proc_pid_status(5)). */
function isCaught(pid: number, signal: NodeJS.Signals): boolean {
  const mask = /^SigCgt:\t([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? "0";
  return ((BigInt(`0x${mask}`) >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
}
