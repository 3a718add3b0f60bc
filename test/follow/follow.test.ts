import {
  appendFileSync,
  closeSync,
  copyFileSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import {
  AT_END,
  type FollowEvent,
  type FollowFile,
  type FollowOptions,
  type FollowSource,
  follow,
} from "../../src/follow/follow.ts";
import { FollowProgress } from "../../src/follow/progress.ts";
import { waitFor } from "../helpers/wait-for.ts";

let directory: string;
let path: string;
/** Descriptors that the engine opened and has not closed. */
let opened: Set<number>;
/** Results of the next queries of the path, which replace the real results. */
let trouble: Error | undefined;
/** Number of times that the engine checked a file. */
let looks = 0;
let wake: ((what: "content" | "name") => void) | undefined;

beforeEach(() => {
  directory = mkdtempSync(`${tmpdir()}/porthole-follow-`);
  path = `${directory}/log`;
  opened = new Set();
  trouble = undefined;
  writeFileSync(path, "");
});
afterEach(() => rmSync(directory, { recursive: true }));

function openFile(at = path): FollowFile {
  const fd = openSync(at, "r");
  opened.add(fd);
  const { dev, ino } = fstatSync(fd);
  return {
    identity: { device: dev, inode: ino },
    stat: () => {
      looks++;
      return { size: fstatSync(fd).size, modified: fstatSync(fd).mtimeMs };
    },
    read: (position, buffer) => readSync(fd, buffer, 0, buffer.length, position),
    close: () => {
      closeSync(fd);
      opened.delete(fd);
    },
  };
}

function ifThere<T>(action: () => T): T | undefined {
  if (trouble) throw trouble;
  try {
    return action();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The real file system without inotify. A test reports changes itself, or polling detects them. */
function source(): FollowSource & { file: FollowFile };
function source(file: undefined): FollowSource;
function source(...file: [undefined?]): FollowSource {
  return {
    file: file.length > 0 ? undefined : openFile(),
    locate: async () =>
      ifThere(() => {
        const { dev, ino } = statSync(path);
        return { device: dev, inode: ino };
      }),
    reopen: async () => ifThere(() => openFile()),
    onChange: (listener) => {
      wake = listener;
      return () => {
        wake = undefined;
      };
    },
  };
}

/** Runs a follow whose consumer reads everything at once. */
async function following(
  options: Partial<FollowOptions>,
  act: (seen: Seen) => Promise<void>,
  from = source(),
): Promise<void> {
  const abort = new AbortController();
  const seen = new Seen();
  const run = (async () => {
    for await (const event of follow(from, {
      position: 0,
      intervalMs: 10,
      drainMs: 20,
      signal: abort.signal,
      ...options,
    }))
      seen.take(event);
  })();
  try {
    await act(seen);
  } finally {
    abort.abort();
    await run;
    expect(opened.size).toBe(1);
    from.file.close();
  }
}

class Seen {
  text = "";
  events: FollowEvent[] = [];

  take(event: FollowEvent): void {
    if (event.kind === "data") this.text += Buffer.from(event.bytes).toString();
    else this.events.push(event);
  }

  get kinds() {
    return this.events.map(({ kind }) => kind);
  }

  waitForText(text: string) {
    return waitFor(
      `${JSON.stringify(text)}, having ${JSON.stringify(this.text)} and ${this.kinds}`,
      () => this.text === text,
    );
  }

  waitForKind(kind: FollowEvent["kind"]) {
    return waitFor(`${kind} among ${this.kinds}`, () => this.kinds.includes(kind));
  }
}

describe("follow", () => {
  it("returns appended data from the position on", async () => {
    appendFileSync(path, "old\n");
    await following({ position: 4 }, async (seen) => {
      appendFileSync(path, "new\n");
      await seen.waitForText("new\n");
      appendFileSync(path, "newer\n");
      await seen.waitForText("new\nnewer\n");
      expect(seen.kinds).toEqual([]);
    });
  });

  it("reads at once on a change event, without waiting for the poll", async () => {
    await following({ intervalMs: 3_600_000 }, async (seen) => {
      appendFileSync(path, "a\n");
      wake?.("content");
      await seen.waitForText("a\n");
      renameSync(path, `${path}.1`);
      writeFileSync(path, "b\n");
      wake?.("name");
      await waitFor("the new generation", () => opened.size === 2);
      await waitFor("the switch", () => {
        wake?.("content");
        return seen.text === "a\nb\n";
      });
    });
  });

  it("is checked by events, without a system call for each file, if the kernel reports writes", async () => {
    const progress = new FollowProgress();
    const from = Object.assign(source(), { isWatched: () => true, readEvents: () => wake?.("content") });
    await following(
      { intervalMs: 3_600_000, progress },
      async () => {
        await waitFor("the end of the file", () => {
          wake?.("content");
          return progress.readUntil > 0;
        });
        // The source has queued an event, which the follow has not seen.
        expect(progress.check(new Set())).toBe(false);
        from.readEvents = () => undefined;
        const before = looks;
        await waitFor("the follow to look at the file", () => looks > before && progress.check(new Set()));
        const after = looks;
        expect(progress.check(new Set())).toBe(true);
        expect(looks).toBe(after);
        expect(progress.check()).toBe(true);
        expect(looks).toBe(after + 1);
      },
      from,
    );
  });

  it("drains the old file after a rename, reports the rotation and continues with the new file", async () => {
    await following({}, async (seen) => {
      appendFileSync(path, "1\n");
      renameSync(path, `${path}.1`);
      appendFileSync(`${path}.1`, "2\n");
      writeFileSync(path, "3\n");
      await seen.waitForText("1\n2\n3\n");
      expect(seen.kinds).toEqual(["rotated"]);
    });
  });

  it("reads data that a writer appends to the old file, even after the new file has begun", async () => {
    // This is longer than any delay of this process: later data would be lost.
    await following({ drainMs: 3000 }, async (seen) => {
      const old = openSync(path, "a");
      onTestFinished(() => closeSync(old));
      writeSync(old, "1\n");
      renameSync(path, `${path}.1`);
      writeFileSync(path, "");
      await seen.waitForKind("rotated");
      writeSync(old, "2\n");
      await seen.waitForText("1\n2\n");
      appendFileSync(path, "3\n");
      await seen.waitForText("1\n2\n3\n");
      writeSync(old, "4\n");
      await seen.waitForText("1\n2\n3\n4\n");
      await waitFor("the old file to be closed", () => opened.size === 2);
    });
  });

  it("does not split a line of the new file with late data of the old file", async () => {
    await following({ drainMs: 5000 }, async (seen) => {
      const old = openSync(path, "a");
      onTestFinished(() => closeSync(old));
      renameSync(path, `${path}.1`);
      writeFileSync(path, "begun ");
      await seen.waitForText("begun ");
      writeSync(old, "late\n");
      appendFileSync(path, "and ended\n");
      await seen.waitForText("begun and ended\nlate\n");
    });
  });

  it("waits for a file that does not exist yet", async () => {
    unlinkSync(path);
    const abort = new AbortController();
    const seen = new Seen();
    const run = (async () => {
      const from = source(undefined);
      for await (const event of follow(from, { position: 0, intervalMs: 10, signal: abort.signal })) seen.take(event);
    })();
    writeFileSync(path, "first\n");
    await seen.waitForText("first\n");
    expect(seen.kinds).toEqual(["returned"]);
    abort.abort();
    await run;
    expect(opened.size).toBe(0);
  });

  it("follows the open file without byName, and reads the rest when it is stopped", async () => {
    const abort = new AbortController();
    const from = source();
    const seen = new Seen();
    renameSync(path, `${path}.1`);
    writeFileSync(path, "another\n");
    appendFileSync(`${path}.1`, "mine\n");
    abort.abort(AT_END);
    for await (const event of follow(from, { position: 0, byName: false, signal: abort.signal })) seen.take(event);
    expect([seen.text, seen.kinds]).toEqual(["mine\n", []]);
    from.file.close();
  });

  it("reports how many bytes a slow consumer lost by a truncation", async () => {
    const from = source();
    writeFileSync(path, "x".repeat(100_000));
    const abort = new AbortController();
    const events = follow(from, { position: 0, intervalMs: 5, signal: abort.signal });
    const first = await events.next();
    const taken = first.value?.kind === "data" ? first.value.bytes.length : 0;
    expect(taken).toBe(65_536);
    appendFileSync(path, "y".repeat(100_000));
    const before = looks;
    await waitFor("it to see the size", () => looks > before + 2);
    truncateSync(path);
    expect((await events.next()).value).toEqual({ kind: "truncated", unread: 200_000 - taken });
    abort.abort();
    await events.return();
    from.file.close();
  });

  it("loses no generation while the consumer is slow, and does not read ahead", async () => {
    const abort = new AbortController();
    const from = source();
    appendFileSync(path, "gen 0\n");
    const events = follow(from, { position: 0, intervalMs: 5, drainMs: 20, signal: abort.signal });
    const seen = new Seen();
    const first = await events.next();
    if (first.value) seen.take(first.value);
    for (let generation = 1; generation <= 5; generation++) {
      renameSync(path, `${path}.old`);
      writeFileSync(path, `gen ${generation}\n`);
      await waitFor(`generation ${generation} to be opened`, () => opened.size === generation + 1);
    }
    expect(seen.text).toBe("gen 0\n");
    const run = (async () => {
      for await (const event of events) seen.take(event);
    })();
    await seen.waitForText("gen 0\ngen 1\ngen 2\ngen 3\ngen 4\ngen 5\n");
    expect(seen.kinds).toEqual(Array(5).fill("rotated"));
    abort.abort();
    await run;
    expect(opened.size).toBe(1);
    from.file.close();
  });

  it("starts from the beginning after a truncation", async () => {
    await following({}, async (seen) => {
      appendFileSync(path, "one two three\n");
      await seen.waitForText("one two three\n");
      truncateSync(path);
      await seen.waitForKind("truncated");
      appendFileSync(path, "four\n");
      await seen.waitForText("one two three\nfour\n");
    });
  });

  it("detects a file that was truncated and has already grown beyond the position (copytruncate)", async () => {
    await following({ intervalMs: 3_600_000 }, async (seen) => {
      appendFileSync(path, "one\n");
      wake?.("content");
      await seen.waitForText("one\n");
      copyFileSync(path, `${path}.1`);
      writeFileSync(path, "two and much longer than before\n");
      wake?.("content");
      await seen.waitForText("one\ntwo and much longer than before\n");
      expect(seen.kinds).toEqual(["truncated"]);
    });
  });

  it("returns missed generations in order, before and after the opened generation", async () => {
    /** Paths of the renamed generations, in order. */
    const away: string[] = [];
    const rotate = (number: number) => {
      renameSync(path, `${path}.${number}`);
      away.push(`${path}.${number}`);
      writeFileSync(path, `${number + 1}\n`);
    };
    let rotatedMeanwhile = false;
    const from: FollowSource & { file: FollowFile } = {
      ...source(),
      reopen: async () => {
        const file = openFile();
        if (!rotatedMeanwhile) for (const number of [3, 4]) rotate(number);
        rotatedMeanwhile = true;
        return file;
      },
      renamedAway: async (known) => {
        const missed: FollowFile[] = [];
        for (const name of away.splice(0)) {
          await delay(20); // Gives the reader time to continue with data that it must not have yet.
          const file = openFile(name);
          if (known(file.identity)) await file.close();
          else missed.push(file);
        }
        return missed;
      },
    };
    await following(
      { drainMs: 0 },
      async (seen) => {
        appendFileSync(path, "1\n");
        await seen.waitForText("1\n");
        rotate(1);
        rotate(2);
        wake?.("name");
        await seen.waitForText("1\n2\n3\n4\n5\n");
        expect(seen.kinds).toEqual(["rotated", "rotated", "rotated", "rotated"]);
      },
      from,
    );
  });

  it("keeps reading a deleted file, and reports when the name is recreated", async () => {
    await following({}, async (seen) => {
      unlinkSync(path);
      await seen.waitForKind("deleted");
      writeFileSync(path, "again\n");
      await seen.waitForText("again\n");
      expect(seen.kinds).toEqual(["deleted", "returned"]);
    });
  });

  it("keeps reading while stat of the path fails, and reports the failure once", async () => {
    await following({}, async (seen) => {
      trouble = new Error("session lost");
      await seen.waitForKind("unreachable");
      appendFileSync(path, "still here\n");
      await seen.waitForText("still here\n");
      trouble = undefined;
      await seen.waitForKind("reachable");
      expect(seen.kinds).toEqual(["unreachable", "reachable"]);
    });
  });

  it("reports only the growth if the content is not requested", async () => {
    await following({ contents: false }, async (seen) => {
      appendFileSync(path, "12345");
      await seen.waitForKind("grown");
      expect(seen.events).toEqual([{ kind: "grown", size: 5 }]);
      expect(seen.text).toBe("");
    });
  });

  it("closes its files when the consumer stops during a rotation", async () => {
    const from = source();
    renameSync(path, `${path}.1`);
    writeFileSync(path, "");
    const kinds: string[] = [];
    for await (const { kind } of follow(from, { position: 0, intervalMs: 5, drainMs: 5 })) {
      kinds.push(kind);
      break;
    }
    expect(kinds).toEqual(["rotated"]);
    expect(opened.size).toBe(1);
    from.file.close();
  });
});
