import { expect, test } from "vitest";
import { user } from "../helpers/porthole.ts";
import { type FakeAnswer, fakeEngine } from "../routes/fake-engine.ts";

const id = "0123456789abcdef".repeat(4);
const state = { Running: true, Status: "running", Pid: 2_147_483_646, StartedAt: "2026-01-02T03:04:05Z" };

// No engine answers so: a program that is not one, at its socket, or a proxy that has gone wrong.
test.each<[string, FakeAnswer, string]>([
  ["null", { status: 200, body: null }, "the answer is missing, not an object"],
  ["a list", { status: 200, body: [] }, "the answer is a list, not an object"],
  ["HTML", { status: 200, body: undefined, raw: "<html>\n" }, 'the answer is "<html>\\n", not JSON'],
  ["half an object", { status: 200, body: undefined, raw: '{"Id":' }, 'the answer is "{\\"Id\\":", not JSON'],
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
])("an engine that answers with %s: one line with the field, status 3", async (_, answer, complaint) => {
  const { socketPath } = await fakeEngine(() => answer);
  const { code, text, stderr } = await user().run(["cat", "--engine", socketPath, "web:/etc/hostname"]);
  expect(stderr).toMatch(/^porthole: [^\n]+ \(is that Docker's or Podman's socket\? [^\n]+\)\n$/);
  expect(stderr).toContain(`the engine at ${socketPath} does not answer GET /containers/web/json as Docker does: `);
  expect(stderr).toContain(complaint);
  expect({ code, text }).toEqual({ code: 3, text: "" });
});

test("an engine whose list is none is named with it where a list is asked for", async () => {
  const { socketPath } = await fakeEngine((path) =>
    path.startsWith("/containers/json")
      ? { status: 200, body: [{ Id: id, Labels: "none" }] }
      : { status: 404, body: { message: "No such container" } },
  );
  const { code, text, stderr } = await user().run(["ls", "--engine", socketPath, "web:/"]);
  expect(stderr).toMatch(
    /^porthole: [^\n]+ GET \/containers\/json as Docker does: \[0\]\.Labels is "none", not an object [^\n]+\n$/,
  );
  expect({ code, text }).toEqual({ code: 3, text: "" });
});

test("doctor has a warning for an engine that tells nonsense of itself", async () => {
  const { socketPath } = await fakeEngine(() => ({ status: 200, body: { Version: 5, SecurityOptions: {} } }));
  const { code, text, stderr } = await user().run(["doctor", "--engine", socketPath]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(text).toMatch(
    /^warn {2}container engine: [^\n]+ GET \/version as Docker does: Version is 5, not a string {2}-> /m,
  );
});
