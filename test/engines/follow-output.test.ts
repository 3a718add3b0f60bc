import { expect, onTestFinished, test, vi } from "vitest";
import { OutputFollower } from "../../src/engines/output/follow-output.ts";
import { outputContainer } from "../../src/engines/output/logs.ts";
import { type FakeAnswer, fakeEngine } from "./fake-engine.ts";

const id = "0123456789abcdef".repeat(4);
const State = { Running: true, Status: "running", Pid: 4242, StartedAt: "2026-01-02T03:04:05Z" };

test("streams of a running container that end immediately are requested at increasing intervals", async () => {
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

test.each([
  ["0001-01-01T00:00:00Z", "started"],
  ["2026-01-02T03:04:04Z", "restarted"],
])("a container that was last started at %s and is running now is reported as %s", async (StartedAt, kind) => {
  const abort = new AbortController();
  const before = { Running: false, Status: "created", Pid: 0, StartedAt };
  let inspections = 0;
  const engine = await fakeEngine((path) =>
    path.includes("/logs")
      ? { status: 200, body: undefined }
      : { status: 200, body: { Id: id, Name: "/web", State: inspections++ === 0 ? before : State } },
  );
  const address = `unix://${engine.socketPath}`;
  const follower = new OutputFollower(await outputContainer("web", address), "web", address, "@logs");
  for await (const event of follower.follow(true, abort.signal)) {
    expect(event).toEqual({ kind });
    abort.abort();
  }
  expect(abort.signal.aborted).toBe(true);
});

/** Frames a line of standard output as the engine does. */
function frame(seconds: number, word: string): string {
  const line = `${new Date(seconds * 1_000).toISOString().replace("Z", "000001Z")} ${word}\n`;
  return `\x01\0\0\0\0\0\0${String.fromCharCode(line.length)}${line}`;
}

/** Returns the texts of the first `count` records of a follow. */
async function followed(
  count: number,
  logs: (path: string) => FakeAnswer,
  seen: (word: string) => void = () => undefined,
  HostConfig: object = {},
): Promise<string[]> {
  const abort = new AbortController();
  const engine = await fakeEngine((path) =>
    path.includes("/logs") ? logs(path) : { status: 200, body: { Id: id, Name: "/web", State, HostConfig } },
  );
  const address = `unix://${engine.socketPath}`;
  const follower = new OutputFollower(await outputContainer("web", address), "web", address, "@logs");
  const words: string[] = [];
  for await (const event of follower.follow(true, abort.signal)) {
    if (event.kind !== "record") continue;
    const word = event.record.bytes.toString().trim();
    words.push(word);
    seen(word);
    if (words.length === count) abort.abort();
  }
  return words;
}

const gives = (...frames: string[]): FakeAnswer => ({ status: 200, body: undefined, raw: frames.join("") });
const givesAndStays = (...frames: string[]): FakeAnswer =>
  ({ ...(gives(...frames) as object), stays: true }) as FakeAnswer;

test.each([
  ["at once", [1, 1, 2]],
  ["after other lines, as from a log that was rotated", [1, 2, 3, 1, 2, 3, 4]],
])("a line that the engine sends twice %s is returned once", async (_, seconds) => {
  const last = Math.max(...seconds);
  const words = await followed(last, () => gives(...seconds.map((second) => frame(second, `line ${second}`))));
  expect(words).toEqual(Array.from({ length: last }, (_, index) => `line ${index + 1}`));
});

test("equal parts of a long line, which have the same time, are all returned", async () => {
  const part = frame(1, "part").replace("\n", "x");
  expect(await followed(3, () => gives(part, part, frame(2, "end")))).toEqual(["partx", "partx", "end"]);
});

test("a stream that stalls while the engine has more records is replaced", async () => {
  let streams = 0;
  const words = await followed(2, (path) => {
    if (path.includes("follow=false")) return gives(frame(1, "one"), frame(2, "two"));
    streams += 1;
    return streams === 1 ? givesAndStays(frame(1, "one")) : givesAndStays(frame(1, "one"), frame(2, "two"));
  });
  expect({ words, streams }).toEqual({ words: ["one", "two"], streams: 2 });
});

test("lines that a stream omits while the engine rotates its log are returned later", async () => {
  const [one, two, three] = [frame(1, "one"), frame(2, "two"), frame(3, "three")];
  const rotates = { LogConfig: { Type: "json-file", Config: { "max-size": "10k" } } };
  let streams = 0;
  const logs = (path: string) => {
    if (path.includes("follow=false")) return gives(one, two, three);
    streams += 1;
    return givesAndStays(...(streams === 1 ? [one, three] : [one, two, three]));
  };
  expect(await followed(3, logs, undefined, rotates)).toEqual(["one", "three", "two"]);
});

test("records written after the clock was set back are not lost, although the engine omits those before `since`", async () => {
  const written: { seconds: number; word: string }[] = [{ seconds: 1_000, word: "before" }];
  const step = 600;
  const now = Date.now;
  onTestFinished(() => void vi.restoreAllMocks());
  const logs = (path: string) => {
    const since = Number(new URLSearchParams(path.split("?")[1]).get("since") ?? 0);
    const frames = written.filter(({ seconds }) => seconds >= since).map(({ seconds, word }) => frame(seconds, word));
    return path.includes("follow=false") ? gives(...frames) : givesAndStays(...frames);
  };
  const words = await followed(2, logs, () => {
    vi.spyOn(Date, "now").mockImplementation(() => now() - step * 1_000);
    written.push({ seconds: 1_000 - step + 5, word: "after" });
  });
  expect(words).toEqual(["before", "after"]);
});

test.each([
  ["known records come before the new one", [3, 4, 5], ["line 5"]],
  ["the limit cut off new ones", [6, 7], ["line 5", "line 6", "line 7"]],
  ["the limit cut in front of the newest known one", [4, 5], ["line 5"]],
])("a follow repeats few records of a long log, and loses no record: %s", async (_, repeated, expected) => {
  const abort = new AbortController();
  const asked: string[] = [];
  const newest = Math.max(...repeated);
  // Half a second is far from the next second, and the compared clocks may differ by some
  // milliseconds.
  const line = (second: number) => frame(second + 0.5, `line ${second}`);
  const lines = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => line(from + index));
  const engine = await fakeEngine((path) => {
    if (!path.includes("/logs")) return { status: 200, body: { Id: id, Name: "/web", State } };
    if (path.includes("follow=false")) return gives(...lines(2, 4));
    const query = new URLSearchParams(path.split("?")[1]);
    asked.push(`${query.get("tail")} since ${query.get("since")?.split(".")[0]}`);
    if (query.get("tail") !== "all") return givesAndStays(...repeated.map(line));
    return givesAndStays(...lines(3, newest));
  });
  const address = `unix://${engine.socketPath}`;
  const follower = new OutputFollower(await outputContainer("web", address), "web", address, "@logs");
  const words: string[] = [];
  const { signal } = abort;
  for await (const { bytes } of follower.existing({ tail: 3, signal })) words.push(bytes.toString().trim());
  for await (const event of follower.follow(true, signal)) {
    if (event.kind === "record") words.push(event.record.bytes.toString().trim());
    if (words.length === 3 + expected.length) abort.abort();
  }
  expect(words).toEqual(["line 2", "line 3", "line 4", ...expected]);
  const isRepeated = repeated.length === 3;
  expect(asked).toEqual(["10000 since 2", ...(isRepeated ? [] : ["all since 3"])]);
});
