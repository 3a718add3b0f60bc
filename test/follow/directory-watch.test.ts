import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { IN_CREATE, IN_IGNORED, IN_MOVED_FROM, IN_MOVED_TO } from "../../src/descriptors/constants.ts";
import type { InotifyEvent } from "../../src/descriptors/files/inotify-event.ts";
import { PortholeError } from "../../src/errors.ts";
import { DirectoryWatch } from "../../src/follow/directory-watch.ts";
import type { Session } from "../../src/sessions/interface/session.ts";

/** A session that counts requests; the test decides what they return. */
class FakeSession {
  ended: PortholeError | undefined;
  inode = 1;
  stats = 0;
  isMissing = false;
  readonly watches: ((event: InotifyEvent) => void)[] = [];

  async stat(): Promise<unknown> {
    this.stats++;
    if (this.isMissing) throw new PortholeError("FILE", "no such directory", { errno: "ENOENT" });
    return { device: { major: 0, minor: 1 }, inode: BigInt(this.inode), btime: undefined };
  }

  async watch(_path: string, _mask: number, listener: (event: InotifyEvent) => void): Promise<() => void> {
    if (this.isMissing) throw new PortholeError("FILE", "no such directory", { errno: "ENOENT" });
    this.watches.push(listener);
    return () => void this.watches.splice(this.watches.indexOf(listener), 1);
  }

  report(mask: number, name: string, cookie = 0): void {
    for (const listener of [...this.watches]) listener({ watch: 1, mask, cookie, name: Buffer.from(name) });
  }
}

let session: FakeSession;
/** Calls of all subscribers. */
let seen: string[];
let ends: (() => void)[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  session = new FakeSession();
  seen = [];
  ends = [];
});
afterEach(() => {
  for (const end of ends) end();
  expect([vi.getTimerCount(), session.watches.length]).toEqual([0, 0]);
  vi.useRealTimers();
});

function follow(name: string): DirectoryWatch {
  const watch = DirectoryWatch.of(session as unknown as Session, "/logs");
  const subscriber = {
    changed: (changed: string) => void seen.push(`${name}: ${changed}`),
    renamed: (from: string, to: string) => void seen.push(`${name}: ${from} -> ${to}`),
  };
  watch.subscribe(subscriber);
  watch.addInterest(subscriber, name);
  ends.push(() => {
    watch.removeInterest(subscriber, name);
    watch.unsubscribe(subscriber);
  });
  return watch;
}

async function settled(ms = 0): Promise<void> {
  vi.advanceTimersByTime(ms);
  await new Promise((resolve) => setImmediate(resolve));
}

describe("DirectoryWatch", () => {
  test("uses one watch and one check for all names, and passes an event to its own name only", async () => {
    for (let index = 0; index < 1000; index++) follow(`${index}`);
    await settled();
    expect([session.watches.length, session.stats]).toEqual([1, 1]);
    session.report(IN_CREATE, "7");
    session.report(IN_CREATE, "another");
    expect(seen).toEqual(["7: 7"]);
    await settled(1500);
    await settled(1500);
    expect([session.watches.length, session.stats]).toEqual([1, 3]);
  });

  test("reports a rename to the subscribers of both names", async () => {
    for (const name of ["log", "log.1", "other"]) follow(name);
    await settled();
    session.report(IN_MOVED_FROM, "log", 5);
    session.report(IN_MOVED_TO, "log.1", 5);
    expect(seen.sort()).toEqual(["log.1: log -> log.1", "log.1: log.1", "log: log", "log: log -> log.1"].sort());
  });

  test("watches again and tells all subscribers when the path leads to another directory", async () => {
    const watch = follow("a");
    follow("b");
    await settled();
    session.inode = 2;
    await settled(1500);
    expect([seen, watch.isHeld, session.watches.length]).toEqual([["a: ", "b: "], true, 1]);
  });

  test("tells all subscribers that the directory is gone, and that it is there again", async () => {
    const watch = follow("a");
    await settled();
    session.isMissing = true;
    session.report(IN_IGNORED, "");
    await settled(500);
    expect([watch.isHeld, seen]).toEqual([false, ["a: ", "a: "]]);
    session.isMissing = false;
    session.inode = 2;
    await settled(500);
    expect([watch.isHeld, seen]).toEqual([true, ["a: ", "a: ", "a: "]]);
  });

  test("ends with its session", async () => {
    follow("a");
    await settled();
    session.ended = new PortholeError("SESSION", "the agent is gone");
    await settled(250);
    expect(vi.getTimerCount()).toBe(0);
  });
});
