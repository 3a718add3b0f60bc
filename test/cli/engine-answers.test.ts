import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type FakeAnswer, fakeEngine } from "../engines/fake-engine.ts";
import { user } from "../helpers/porthole.ts";

const id = "0123456789abcdef".repeat(4);
const state = { Running: true, Status: "running", Pid: 2_147_483_646, StartedAt: "2026-01-02T03:04:05Z" };

// Real engines do not respond like this: the answers stand for a faulty proxy, or another program
// at the engine's socket.
test.each<[string, FakeAnswer, string]>([
  ["null", { status: 200, body: null }, "the response is missing, not an object"],
  ["a list", { status: 200, body: [] }, "the response is a list, not an object"],
  ["HTML", { status: 200, body: undefined, raw: "<html>\n" }, 'the response is "<html>\\n", not JSON'],
  ["half an object", { status: 200, body: undefined, raw: '{"Id":' }, 'the response is "{\\"Id\\":", not JSON'],
  [
    "an id that is a number",
    { status: 200, body: { Id: 7, State: state } },
    "Id is 7, not an id of 64 hexadecimal digits",
  ],
  ["a state that is text", { status: 200, body: { Id: id, State: "up" } }, 'State is "up", not an object'],
  [
    "a process that is text",
    { status: 200, body: { Id: id, State: { ...state, Pid: "1" } } },
    'State.Pid is "1", not a whole number',
  ],
  [
    "mounts that are none",
    { status: 200, body: { Id: id, State: state, Mounts: "/run" } },
    'Mounts is "/run", not a list',
  ],
  [
    "devices that are none",
    { status: 200, body: { Id: id, State: state, HostConfig: { Devices: [5] } } },
    "HostConfig.Devices[0] is 5, not an object",
  ],
  [
    "a name that a terminal would obey",
    { status: 200, body: { Id: "\u001b[2J", State: state } },
    'Id is "\\u001b[2J", not',
  ],
])("an engine that answers with %s gives one line with the field and status 3", async (_, answer, complaint) => {
  const { socketPath } = await fakeEngine(() => answer);
  const { code, text, stderr } = await user().run(["cat", "--engine", socketPath, "web:/etc/hostname"]);
  expect(stderr).toMatch(/^porthole: [^\n]+ \(check that it is Docker's or Podman's socket[^\n]+\)\n$/);
  expect(stderr).toContain(`the engine at ${socketPath} sent an invalid response to GET /containers/web/json: `);
  expect(stderr).toContain(complaint);
  expect({ code, text }).toEqual({ code: 3, text: "" });
});

test("an engine whose list is malformed is named in the error", async () => {
  const { socketPath } = await fakeEngine((path) =>
    path.startsWith("/containers/json")
      ? { status: 200, body: [{ Id: id, Labels: "none" }] }
      : { status: 404, body: { message: "No such container" } },
  );
  const { code, text, stderr } = await user().run(["ls", "--engine", socketPath, "web:/"]);
  expect(stderr).toMatch(/^porthole: [^\n]+ GET \/containers\/json: \[0\]\.Labels is "none", not an object [^\n]+\n$/);
  expect({ code, text }).toEqual({ code: 3, text: "" });
});

test("doctor warns about an engine with malformed version information", async () => {
  const { socketPath } = await fakeEngine(() => ({ status: 200, body: { Version: 5, SecurityOptions: {} } }));
  const { code, text, stderr } = await user().run(["doctor", "--engine", socketPath]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(text).toMatch(
    /^warn {2}container engine: [^\n]+ GET \/info: SecurityOptions is an object, not a list {2}-> /m,
  );
});

/**
 * Starts an engine that describes a container correctly. Then it responds to the start of an agent
 * with `answers`.
 */
async function starting(answers: (path: string) => FakeAnswer | undefined, stateDirectory: string) {
  const Mounts = [{ Destination: "/run/porthole", Source: `${stateDirectory}/porthole/mnt` }];
  return fakeEngine((path) => {
    const given = answers(path);
    if (given !== undefined) return given;
    if (path === "/containers/web/json" || path === `/containers/${id}/json`)
      return { status: 200, body: { Id: id, Name: "/web", State: state, Mounts } };
    return { status: 404, body: { message: "no such thing" } };
  });
}

describe("an engine that responds to a start of the agent", () => {
  const created = (path: string) => path.startsWith("POST /containers/create?");
  const executed = (path: string) => path === `POST /containers/${id}/exec`;
  const wrong = (request: string, complaint: string) =>
    new RegExp(`the engine at .+ sent an invalid response to ${request}: ${complaint}`);
  const answers: [string, string, (path: string) => boolean, FakeAnswer, RegExp][] = [
    [
      "null",
      "sidecar",
      created,
      { status: 201, body: null },
      wrong("POST /containers/create", "the response is missing, not an object"),
    ],
    [
      "an id of another form",
      "sidecar",
      created,
      { status: 201, body: { Id: "../x" } },
      wrong("POST /containers/create", 'Id is "../x", not an id'),
    ],
    [
      "a body that is empty",
      "sidecar",
      created,
      { status: 201, body: undefined },
      wrong("POST /containers/create", 'the response is "", not JSON'),
    ],
    [
      "a body without an end",
      "sidecar",
      created,
      "endless",
      /sidecar route to 'web': response larger than 33554432 bytes/,
    ],
    [
      "a body that is cut off",
      "sidecar",
      created,
      { status: 201, headers: { "Content-Length": "99" }, body: { Id: id } },
      /sidecar route to 'web': the engine ended its response early\n$/,
    ],
    [
      "another protocol",
      "sidecar",
      created,
      { status: 101, headers: { Connection: "Upgrade", Upgrade: "x" }, body: undefined },
      /sidecar route to 'web': the engine at .+ switches protocols for POST \/containers\/create/,
    ],
    [
      "words that are none",
      "sidecar",
      created,
      { status: 500, body: { message: 7 } },
      /sidecar route to 'web': HTTP status 500/,
    ],
    [
      "words without an end",
      "sidecar",
      created,
      { status: 500, body: { message: "x".repeat(100_000) } },
      /sidecar route to 'web': x{1000}\n$/,
    ],
    [
      "an import that failed",
      "sidecar",
      (path) => path.startsWith("POST /images/create?"),
      { status: 200, body: undefined, raw: '{"status":"x"}\nnull\n{"error":"no room"}\n' },
      /cannot import the agent image: no room/,
    ],
    [
      "a list",
      "mount",
      executed,
      { status: 201, body: [] },
      wrong(`POST /containers/${id}/exec`, "the response is a list, not an object"),
    ],
    [
      "a number",
      "mount",
      executed,
      { status: 201, body: { Id: 5 } },
      wrong(`POST /containers/${id}/exec`, "Id is 5, not an id"),
    ],
    ...(["mount", "sidecar"] as const).map(
      (route): [string, "mount" | "sidecar", (path: string) => boolean, FakeAnswer, RegExp] => [
        "the page of a proxy that permits GET only",
        route,
        (path) => path.startsWith("POST "),
        { status: 403, body: undefined, raw: "<html>Request forbidden by administrative rules.</html>" },
        /route to 'web': HTTP status 403 \(a proxy before the engine denies POST \/containers\/[^ ]+: permit it there, or use /,
      ],
    ),
    [
      "a body without an end",
      "mount",
      executed,
      "endless",
      /mount route to 'web': response larger than 33554432 bytes/,
    ],
  ];
  test.each(answers)("with %s (route %s) gives one line and status 4", async (_, route, isAsked, answer, complaint) => {
    const by = user();
    const engine = await starting((path) => (isAsked(path) ? answer : undefined), `${by.directory}/state`);
    const args = ["cat", "--route", route, "--engine", engine.socketPath, "web:/etc/hostname"];
    const { code, text, stderr } = await by.run(args);
    expect(stderr).toMatch(/^porthole: [^\n]+\n$/);
    expect(stderr).toMatch(complaint);
    expect({ code, text }).toEqual({ code: 4, text: "" });
  });

  test.each<[string, FakeAnswer, string]>([
    ["no stream", { status: 200, body: {} }, "returns no stream for /exec/"],
    ["a refusal", { status: 409, body: { message: "it is paused" } }, "mount route to 'web': it is paused"],
    [
      "a stream that ends",
      { status: 101, headers: { Connection: "Upgrade", Upgrade: "tcp" }, body: undefined },
      "the agent ended before it connected",
    ],
    [
      "last words",
      {
        status: 101,
        headers: { Connection: "Upgrade", Upgrade: "tcp" },
        body: undefined,
        raw: "\u0002\0\0\0\0\0\0\u0005wordsand more",
      },
      "mount route to 'web': words\n",
    ],
  ])("and the stream of its exec with %s gives one line and status 4", async (_, answer, complaint) => {
    const by = user();
    const engine = await starting((path) => {
      if (executed(path)) return { status: 201, body: { Id: id } };
      return path === `POST /exec/${id}/start` ? answer : undefined;
    }, `${by.directory}/state`);
    const args = ["cat", "--route", "mount", "--engine", engine.socketPath, "web:/etc/hostname"];
    const { code, text, stderr } = await by.run(args);
    expect(stderr).toMatch(/^porthole: [^\n]+\n$/);
    expect(stderr).toContain(complaint);
    expect({ code, text }).toEqual({ code: 4, text: "" });
  });
});

test.each<[string, FakeAnswer, string]>([
  ["of containers is none", { status: 200, body: {} }, "GET /containers/json: the response is an object, not a list"],
  ["has a container without an id", { status: 200, body: [{}] }, "GET /containers/json: [0].Id is missing, not an id"],
  ["does not come", "silence", "the engine did not respond within 5 s"],
  ["comes slowly", "dripping", "the engine did not respond within 5 s"],
  ["is nothing", "hang-up", "the engine closed the connection without a response"],
  ["has no end", "endless", "response larger than 33554432 bytes"],
])("detach --all on an engine whose list %s prints one line", async (_, answer, complaint) => {
  const by = user();
  const { socketPath } = await fakeEngine((path) =>
    path.startsWith("/containers/json") ? answer : { status: 200, body: [] },
  );
  const { code, stderr } = await by.run(["detach", "--all", "--engine", socketPath]);
  expect(stderr).toMatch(/^porthole: [^\n]+\n$/);
  expect(stderr).toContain(`cannot clean up at ${socketPath}: `);
  expect(stderr).toContain(complaint);
  expect(code).toBe(1);
});

test("a lost answer is an internal error, not a success", async () => {
  const by = user();
  const preload = `${by.directory}/lost.cjs`;
  writeFileSync(
    preload,
    'require("node:http").request = () => new (class extends require("node:events") { write() {} end() {} })();',
  );
  const { socketPath } = await starting(() => undefined, `${by.directory}/state`);
  const args = ["cat", "--route", "sidecar", "--engine", socketPath, "web:/etc/hostname"];
  const { code, text, stderr } = await by.run(args, { env: { NODE_OPTIONS: `--require ${preload}` } });
  expect(stderr).toMatch(/^porthole: internal error: no result \(please report it\)\n$/);
  expect({ code, text }).toEqual({ code: 1, text: "" });
});

test("tail follows a new container that the engine lists before it finds it by name, as Docker 20.10 does", async () => {
  let lookUps = 0;
  const line = "2026-01-02T03:04:05.000000001Z here\n";
  const raw = `\x01\0\0\0\0\0\0${String.fromCharCode(line.length)}${line}`;
  const { socketPath } = await fakeEngine((path) => {
    if (path.includes("compose.service")) return { status: 200, body: [] };
    if (path.startsWith("/containers/json"))
      return { status: 200, body: [{ Id: id, Names: ["/web"], Image: "web", State: "running", Labels: {} }] };
    if (path.includes("/logs")) return { status: 200, body: undefined, raw, stays: path.includes("follow=true") };
    lookUps += 1;
    return lookUps <= 3
      ? { status: 404, body: { message: "No such container: web" } }
      : { status: 200, body: { Id: id, Name: "/web", State: state } };
  });
  const { code, text, stderr } = await user().run(["tail", "--engine", socketPath, "w*:@stdout"]);
  expect({ code, text, stderr }).toEqual({ code: 0, text: "here\n", stderr: "" });
});

test("ps --disk counts a container that waits for its next start, and is no error", async () => {
  const restarting = { ...state, Pid: 0, Restarting: true, Status: "restarting" };
  const { socketPath } = await fakeEngine((path) =>
    path.startsWith("/containers/")
      ? { status: 200, body: { Id: id, Name: "/web", State: restarting, SizeRw: 5 } }
      : { status: 404, body: { message: "No such volume" } },
  );
  const { code, text, stderr } = await user().run(["ps", "--disk", "--engine", socketPath, "web"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(text).toMatch(/^ +5 +layer +web +writable layer$/m);
});

test("ps --disk skips a container that is removed after it was listed, unless the user named it", async () => {
  const listed = { Id: id, Names: ["/web"], Image: "web", ImageID: id, Labels: {}, State: "exited", Status: "Exited" };
  const { socketPath } = await fakeEngine((path) => {
    if (path.startsWith("/containers/json")) return { status: 200, body: [listed] };
    if (path.startsWith("/system/df") || path.startsWith("/volumes")) return { status: 200, body: { Volumes: [] } };
    return { status: 404, body: { message: "No such container: web" } };
  });
  const { run } = user();
  const all = await run(["ps", "--disk", "--engine", socketPath]);
  expect({ code: all.code, stderr: all.stderr }).toEqual({ code: 0, stderr: "" });
  const named = await run(["ps", "--disk", "--engine", socketPath, "web"]);
  expect(named.code).toBe(3);
  expect(named.stderr).toMatch(/^porthole: no such container: 'web'[^\n]*\n$/);
});
