import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import type { FollowEvent } from "../../src/follow/follow.ts";
import type { PolledFile } from "../../src/follow/follow-by-polling.ts";
import { followRelayed } from "../../src/follow/follow-relayed.ts";
import { Fingerprint } from "../../src/follow/offsets/fingerprint.ts";
import { connect } from "../../src/sessions/connect.ts";
import { describeAsRoot } from "../helpers/availability.ts";
import { following } from "../helpers/following.ts";
import { type FuseTarget, fuseTarget } from "../helpers/fuse.ts";
import { user } from "../helpers/porthole.ts";

/*
 * A FUSE file system, whose files the agent relays: they have no positions and no events. Its
 * server shows `live`, a file of the host in the same directory.
 */
describeAsRoot("porthole tail of a relayed file that changes", () => {
  let target: FuseTarget;
  const someone = user();
  /** The file that the server reads, and the target that shows it. */
  let live: string;
  let name: string;

  beforeEach(async () => {
    target = await fuseTarget();
    live = `${target.place}.live`;
    name = `pid:${target.pid}:${target.place}/live`;
  });
  afterEach(() => target.stop());

  const follow = (...args: string[]) => following(someone, ["-s", "0.05", ...args, name]);
  const relayed = () => `tail: ${name}: relayed by the agent, because its file system may not answer; polled by name`;

  test("prints appended data, cut at any byte, after the last lines", async () => {
    writeFileSync(live, `${"x".repeat(99)}\n`.repeat(1000));
    const tail = follow("-n", "1", "-f");
    let expected = `${"x".repeat(99)}\n`;
    await tail.shows(expected);
    for (const text of ["2\n", "3", "\n4\n", "y".repeat(200_000), "\n"]) {
      appendFileSync(live, text);
      expected += text;
      await tail.shows(expected);
    }
    expect(tail.said()).toBe(`${relayed()}\n`);
  });

  test("starts again after a truncation, and after a rewrite of the same length", async () => {
    writeFileSync(live, "one two three\n");
    const tail = follow("-F");
    await tail.shows("one two three\n");
    await tail.says(relayed());
    truncateSync(live);
    await tail.says(`tail: ${name}: file truncated`);
    appendFileSync(live, "four\n");
    await tail.shows("one two three\nfour\n");
    writeFileSync(live, "FIVE\n6\n");
    await tail.shows("one two three\nfour\nFIVE\n6\n");
    expect(tail.said().match(/file truncated/g)).toHaveLength(2);
  });

  test("follows a file that replaces it, and a file that is recreated", async () => {
    writeFileSync(live, "1\n");
    const tail = follow("-F");
    await tail.shows("1\n");
    await tail.says(relayed());
    writeFileSync(`${live}.new`, "2\n");
    renameSync(`${live}.new`, live);
    await tail.shows("1\n2\n");
    // If the change is between the server's lookup and open, the file keeps its number and looks
    // truncated.
    await tail.says(/: file truncated$|' has been replaced; {2}following new file$/);
    rmSync(live);
    await tail.says(`tail: '${name}' has become inaccessible: No such file or directory`);
    writeFileSync(live, "3\n");
    await tail.shows("1\n2\n3\n");
    await tail.says(`tail: '${name}' has appeared;  following new file`);
  });

  test("waits for a file that does not exist yet", async () => {
    const tail = follow("-F");
    await tail.says(`tail: cannot open '${name}' for reading: No such file or directory`);
    writeFileSync(live, "1\n");
    await tail.shows("1\n");
    appendFileSync(live, "2\n");
    await tail.shows("1\n2\n");
    await tail.says(`tail: '${name}' has appeared;  following new file`);
  });

  test("without --retry ends when the file is deleted", async () => {
    writeFileSync(live, "1\n");
    const tail = follow("--follow=name");
    await tail.shows("1\n");
    await tail.says(relayed());
    rmSync(live);
    expect(await tail.running.ended).toMatchObject({ code: 1 });
    expect(tail.said()).toBe(`${relayed()}\ntail: ${name}: No such file or directory\ntail: no files remaining\n`);
  });

  test("ends with the process of --pid, and prints everything written before", async () => {
    writeFileSync(live, "1\n");
    const writer = spawn("sleep", ["1000"], { stdio: "ignore" });
    const ended = once(writer, "close");
    onTestFinished(() => void writer.kill());
    const tail = follow("-f", "--pid", String(writer.pid));
    await tail.shows("1\n");
    await tail.says(relayed());
    appendFileSync(live, "2\n");
    writer.kill();
    await ended;
    expect(await tail.running.ended).toMatchObject({ code: 0 });
    expect(tail.text()).toBe("1\n2\n");
  });

  test("reports once that the server does not answer, and continues when it answers", async () => {
    writeFileSync(live, "1\n");
    writeFileSync(`${target.place}.silent`, "");
    const session = await connect(`pid:${target.pid}`);
    const stop = new AbortController();
    const events = followRelayed(session, `${target.place}/live`, {
      identity: undefined,
      read: new Fingerprint(),
      intervalMs: 20,
      // This is longer than a response takes on a busy machine, so that a slow response is not
      // reported.
      silentMs: 3000,
      signal: stop.signal,
    });
    const next = async () => (await events.next()).value as FollowEvent<PolledFile>;
    onTestFinished(() => session.close());
    onTestFinished(() => stop.abort());
    expect(await next()).toMatchObject({ kind: "unreachable", error: { code: "FILE", errno: "ETIMEDOUT" } });
    const after = next();
    rmSync(`${target.place}.silent`);
    expect(await after).toEqual({ kind: "reachable" });
    expect(await next()).toMatchObject({ kind: "returned", continues: false });
    expect(await next()).toEqual({ kind: "data", bytes: Buffer.from("1\n"), position: 0 });
    const end = events.next();
    stop.abort();
    expect(await end).toEqual({ done: true, value: undefined });
  });
});
