import { expect, test } from "vitest";
import { OutputFollower } from "../../src/engines/follow-output.ts";
import { outputContainer } from "../../src/engines/logs.ts";
import { fakeEngine } from "./fake-engine.ts";

const id = "0123456789abcdef".repeat(4);
const State = { Running: true, Status: "running", Pid: 4242, StartedAt: "2026-01-02T03:04:05Z" };

test("streams of a running container that end at once are asked for less and less often", async () => {
  const asked: number[] = [];
  const abort = new AbortController();
  const engine = await fakeEngine((path) => {
    if (!path.includes("/logs")) return { status: 200, body: { Id: id, Name: "/web", State } };
    asked.push(performance.now());
    if (asked.length === 4) abort.abort();
    return { status: 200, body: undefined };
  });
  const address = `unix://${engine.socketPath}`;
  const container = await outputContainer("web", address);
  const follower = new OutputFollower(container, "web", address, "@logs");
  const events: unknown[] = [];
  for await (const event of follower.follow(true, abort.signal)) events.push(event);
  expect(events).toEqual([]);
  const pauses = asked.slice(1).map((time, index) => time - (asked[index] as number));
  // A timer may fire a millisecond early.
  for (const [index, least] of [250, 500, 1_000].entries()) expect(pauses[index]).toBeGreaterThan(least - 5);
});

test("a line that the engine sends twice at once comes once", async () => {
  const abort = new AbortController();
  const frame = (line: string) => `\x01\0\0\0\0\0\0${String.fromCharCode(line.length)}${line}`;
  const [first, second] = ["2026-01-02T03:04:05.000000001Z one\n", "2026-01-02T03:04:05.000000002Z one\n"];
  const engine = await fakeEngine((path) =>
    path.includes("/logs")
      ? { status: 200, body: undefined, raw: [first, first, second].map(frame).join("") }
      : { status: 200, body: { Id: id, Name: "/web", State } },
  );
  const address = `unix://${engine.socketPath}`;
  const follower = new OutputFollower(await outputContainer("web", address), "web", address, "@logs");
  const times: unknown[] = [];
  for await (const event of follower.follow(true, abort.signal)) {
    if (event.kind === "record") times.push((event.record.time as bigint) % 10n);
    if (times.length === 2) abort.abort();
  }
  expect(times).toEqual([1n, 2n]);
});
