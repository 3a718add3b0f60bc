import { expect, test } from "vitest";
import type { ContainersState } from "../../src/engines/lookup/watch-containers.ts";
import { watchContainers } from "../../src/routes/watch-containers.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { type FakeAnswer, fakeEngine } from "./fake-engine.ts";

const id = "0123456789abcdef".repeat(4);

/**
 * Returns the states that a watch reports for an engine with this list and these containers, until
 * a state is complete and `isEnough`.
 */
async function watched(
  answer: (path: string) => FakeAnswer,
  isEnough: (state: ContainersState) => boolean,
): Promise<ContainersState> {
  const { socketPath } = await fakeEngine((path) => {
    if (path.startsWith("/events")) return { status: 200, body: undefined };
    return path === "/version" ? { status: 200, body: {} } : answer(path);
  });
  const over = new AbortController();
  let last: ContainersState | undefined;
  const watching = watchContainers({
    engine: socketPath,
    signal: over.signal,
    changed: (state) => {
      if (state.complete && isEnough(state)) last ??= state;
    },
  });
  await waitFor("that state", () => last !== undefined);
  over.abort();
  await watching;
  return last as ContainersState;
}

test.each<[string, unknown, string]>([
  ["no list", {}, "the response is an object, not a list"],
  ["a container that is text", ["web"], '[0] is "web", not an object'],
  ["names that are text", [{ Id: id, Names: "/web" }], '[0].Names is "/web", not a list'],
  ["labels that are a list", [{ Id: id, Labels: [] }], "[0].Labels is a list, not an object"],
])("an engine with %s instead of its containers is reported as a problem", async (_, body, complaint) => {
  const { containers, troubles } = await watched(
    () => ({ status: 200, body }),
    (state) => state.troubles.length > 0,
  );
  expect(containers).toEqual([]);
  expect(troubles).toMatchObject([
    { code: "TARGET", message: expect.stringContaining(`GET /containers/json: ${complaint}`) },
  ]);
});

test("a refused list is reported with the engine's message", async () => {
  const { troubles } = await watched(
    () => ({ status: 403, body: { message: "not for you" } }),
    (state) => state.troubles.length > 0,
  );
  expect(troubles[0]?.message).toMatch(/cannot list its containers: not for you$/);
});

test("a malformed container is listed with its error, next to the others", async () => {
  const other = "f".repeat(64);
  const list = [id, other].map((Id) => ({ Id, Names: [`/${Id[0]}`], State: "running" }));
  const { containers, troubles } = await watched(
    (path) => {
      if (path.startsWith("/containers/json")) return { status: 200, body: list };
      return { status: 200, body: { Id: path.includes(id) ? 5 : other, State: { Running: true, Pid: 0 } } };
    },
    (state) => state.containers.length === 2 && state.containers.every(({ details }) => details !== undefined),
  );
  expect(troubles).toEqual([]);
  expect(containers).toMatchObject([
    { name: "0", details: { route: undefined, obstacles: [expect.stringContaining("Id is 5, not an id of 64")] } },
    { name: "f", details: { route: "sidecar" } },
  ]);
});
