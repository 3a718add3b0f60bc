import { getEventListeners } from "node:events";
import { closeSync, constants, openSync, readSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT, O_PATH } from "../../src/descriptors/constants.ts";
import { mkfifo, openPath, pipe } from "../../src/descriptors/files/file.ts";
import type { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import { firstReady, Reactor, readable, type Watch, writable } from "../../src/descriptors/poll.ts";
import { newPipe, owned, temporaryDirectory, withoutLeak } from "./fixtures.ts";
import { runScript } from "./run-script.ts";

const reactor = Reactor.shared();
const one = Buffer.of(1);

/** Runs the event loop until `until` was called. */
function turn(body: (until: () => void) => void): Promise<void> {
  return new Promise((resolve) => body(resolve));
}

let watches: Watch[] = [];
afterEach(() => {
  for (const watch of watches) watch.close();
  watches = [];
});
function watch(...args: Parameters<Reactor["watch"]>): Watch {
  const made = reactor.watch(...args);
  watches.push(made);
  return made;
}

test("each state has an event: data, room, hang-up, no reader", async () => {
  const [outlet, inlet] = newPipe({ nonBlocking: true });
  expect(await writable(inlet)).toBe(EPOLLOUT);
  writeSync(inlet.number, one);
  expect(await readable(outlet)).toBe(EPOLLIN);
  inlet.close();
  expect(await readable(outlet)).toBe(EPOLLIN | EPOLLHUP);
  const [outlet2, inlet2] = newPipe({ nonBlocking: true });
  outlet2.close();
  expect((await firstReady([{ fd: inlet2, events: 0 }])).events).toBe(EPOLLERR);
});

test("unread data is reported again, with EPOLLET once", async () => {
  const [outlet, inlet] = newPipe({ nonBlocking: true });
  const [edge, edgeInlet] = newPipe({ nonBlocking: true });
  let once = 0;
  watch(edge, EPOLLIN | EPOLLET, () => once++);
  writeSync(edgeInlet.number, one);
  writeSync(inlet.number, one);
  await turn((done) => {
    let times = 0;
    watch(outlet, EPOLLIN, () => {
      if (++times === 5) done();
    });
  });
  expect(once).toBe(1);
});

test("modify pauses and resumes a watch", async () => {
  const [outlet, inlet] = newPipe({ nonBlocking: true });
  writeSync(inlet.number, one);
  let events = 0;
  const paused = watch(outlet, EPOLLIN, () => {
    events++;
    paused.modify(0);
  });
  const [, room] = newPipe({ nonBlocking: true });
  await writable(room);
  await writable(room);
  expect(events).toBe(1);
  paused.modify(EPOLLIN);
  await writable(room);
  await writable(room);
  expect(events).toBe(2);
  paused.close();
  expect(() => paused.modify(EPOLLIN)).toThrow("the watch is closed");
});

test("300 descriptors ready at once are all served", async () => {
  const pipes = Array.from({ length: 300 }, () => newPipe({ nonBlocking: true }));
  const seen = new Set<number>();
  await turn((done) => {
    pipes.forEach(([outlet, inlet], index) => {
      writeSync(inlet.number, one);
      const mine = watch(outlet, EPOLLIN, () => {
        seen.add(index);
        mine.close();
        if (seen.size === pipes.length) done();
      });
    });
  });
  expect(seen.size).toBe(300);
});

test("a watch that another callback closes gets no event, even if the event was already fetched", async () => {
  const a = newPipe({ nonBlocking: true });
  const b = newPipe({ nonBlocking: true });
  for (const [, inlet] of [a, b]) writeSync(inlet.number, one);
  const called: string[] = [];
  const pairs: [string, OwnedFd, Watch][] = [];
  for (const [name, [outlet]] of [
    ["a", a],
    ["b", b],
  ] as const)
    pairs.push([
      name,
      outlet,
      watch(outlet, EPOLLIN, () => {
        called.push(name);
        for (const [, fd, other] of pairs) {
          other.close();
          fd.close();
        }
      }),
    ]);
  await writable(newPipe({ nonBlocking: true })[1]);
  await writable(newPipe({ nonBlocking: true })[1]);
  expect(called).toHaveLength(1);
});

test("a new watch of a reused number does not get the event of the old watch", async () => {
  const [outlet, inlet] = newPipe({ nonBlocking: true });
  writeSync(inlet.number, one);
  const number = outlet.number;
  let stale = 0;
  await turn((done) => {
    const first = watch(outlet, EPOLLIN, () => {
      first.close();
      outlet.close();
      const [next] = newPipe({ nonBlocking: true });
      expect(next.number).toBe(number);
      watch(next, EPOLLIN, () => stale++);
      done();
    });
  });
  await writable(inlet).catch(() => {});
  await writable(newPipe({ nonBlocking: true })[1]);
  expect(stale).toBe(0);
});

test("a watch closed after its descriptor does not remove a newer watch of the number", async () => {
  const [outlet, inlet] = newPipe({ nonBlocking: true });
  const late = watch(outlet, EPOLLIN, () => {});
  const number = outlet.number;
  outlet.close();
  const [next, nextInlet] = newPipe({ nonBlocking: true });
  expect(next.number).toBe(number);
  let events = 0;
  await turn((done) => {
    const mine = watch(next, EPOLLIN, () => {
      events++;
      mine.close();
      done();
    });
    late.close();
    writeSync(nextInlet.number, one);
  });
  expect(events).toBe(1);
  expect(inlet.closed).toBe(false);
});

test("a thrown error becomes an uncaught exception; other callbacks run and koffi keeps working", async () => {
  const caught: unknown[] = [];
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  const onError = (error: unknown): void => void caught.push(error);
  process.on("uncaughtException", onError);
  onTestFinished(() => {
    process.off("uncaughtException", onError);
    for (const listener of listeners) process.on("uncaughtException", listener);
  });
  const pipes = [newPipe({ nonBlocking: true }), newPipe({ nonBlocking: true }), newPipe({ nonBlocking: true })];
  let served = 0;
  await turn((done) => {
    pipes.forEach(([outlet, inlet], index) => {
      writeSync(inlet.number, one);
      const mine = watch(outlet, EPOLLIN, () => {
        mine.close();
        if (++served === 3) setImmediate(done);
        throw new Error(`thrown ${index}`);
      });
    });
  });
  expect(caught.map((error) => (error as Error).message).sort()).toEqual(["thrown 0", "thrown 1", "thrown 2"]);
  const [, inlet] = newPipe({ nonBlocking: true });
  expect(await writable(inlet)).toBe(EPOLLOUT);
});

test("promises resolved in a callback continue at once, even if the event loop is otherwise empty", async () => {
  const [outlet, inlet] = newPipe({ nonBlocking: true });
  const waiting = readable(outlet);
  writeSync(inlet.number, one);
  await waiting;
  readSync(outlet.number, Buffer.alloc(8));
  const again = readable(outlet);
  writeSync(inlet.number, one);
  expect(await again).toBe(EPOLLIN);
});

const file = (errno: string) => expect.objectContaining({ code: "FILE", errno });

test("a file that cannot be polled is an ordinary error, for every file type", async () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "regular"), "x");
  withoutLeak(() => {
    for (const path of [join(directory, "regular"), directory, "/dev/zero", "/dev/null"]) {
      const fd = openPath(path, constants.O_RDONLY);
      expect(() => reactor.watch(fd, EPOLLIN, () => {}), path).toThrow(file("EPERM"));
      fd.close();
    }
    const opath = openPath(directory, O_PATH);
    expect(() => reactor.watch(opath, EPOLLIN, () => {})).toThrow(file("EBADF"));
    opath.close();
    expect(() => reactor.watch(opath, EPOLLIN, () => {})).toThrow(file("EBADF"));
    expect(() => reactor.watch(-1, EPOLLIN, () => {})).toThrow(file("EBADF"));
    expect(() => reactor.watch(1_000_000, EPOLLIN, () => {})).toThrow(file("EBADF"));
  });
  await expect(readable(openAndClose())).rejects.toThrow(file("EBADF"));
});

function openAndClose(): OwnedFd {
  const fd = openPath("/dev/null", constants.O_RDONLY);
  fd.close();
  return fd;
}

test("a second watch of a descriptor is EEXIST and the first watch continues", async () => {
  const [outlet, inlet] = newPipe({ nonBlocking: true });
  await turn((done) => {
    watch(outlet, EPOLLIN, done);
    expect(() => reactor.watch(outlet, EPOLLIN, () => {})).toThrow(file("EEXIST"));
    writeSync(inlet.number, one);
  });
});

test("terminals and /proc files can be polled", async () => {
  for (const path of ["/dev/ptmx", "/proc/self/mounts"]) {
    const fd = owned(openPath(path, constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK));
    reactor.watch(fd, EPOLLIN, () => {}).close();
  }
});

test("a FIFO is ready when it has data, and hangs up after its last writer", async () => {
  const path = join(temporaryDirectory(), "fifo");
  mkfifo(path);
  const fd = owned(openPath(path, constants.O_RDONLY | constants.O_NONBLOCK));
  await expect(readable(fd, { timeoutMs: 1 })).rejects.toThrow(expect.objectContaining({ errno: "ETIMEDOUT" }));
  const writer = openSync(path, "w");
  const ready = readable(fd);
  writeSync(writer, one);
  expect(await ready).toBe(EPOLLIN);
  readSync(fd.number, Buffer.alloc(8));
  closeSync(writer);
  expect(await readable(fd)).toBe(EPOLLHUP);
});

test("a timeout, an abort before the wait and an abort during it reject with CANCELLED and remove the watch", async () => {
  const [outlet, inlet] = newPipe({ nonBlocking: true });
  const cancelled = (errno: string) => expect.objectContaining({ code: "CANCELLED", errno });
  await expect(readable(outlet, { timeoutMs: 1 })).rejects.toThrow(cancelled("ETIMEDOUT"));
  await expect(readable(outlet, { signal: AbortSignal.abort() })).rejects.toThrow(cancelled("ECANCELED"));
  const controller = new AbortController();
  const waiting = readable(outlet, { signal: controller.signal, timeoutMs: 60_000 });
  const reason = new Error("enough");
  controller.abort(reason);
  await expect(waiting).rejects.toThrow(expect.objectContaining({ code: "CANCELLED", cause: reason }));
  writeSync(inlet.number, one);
  const unused = new AbortController();
  await readable(outlet, { signal: unused.signal });
  expect(getEventListeners(unused.signal, "abort")).toEqual([]);
  // All watches are removed: the descriptor can be watched again.
  reactor.watch(outlet, EPOLLIN, () => {}).close();
});

test("waiting for several descriptors resolves with the first ready one, and keeps no watch after an invalid one", async () => {
  const [a] = newPipe({ nonBlocking: true });
  const [b, inlet] = newPipe({ nonBlocking: true });
  writeSync(inlet.number, one);
  expect(await firstReady([a, b].map((fd) => ({ fd, events: EPOLLIN })))).toEqual({ fd: b, events: EPOLLIN });
  await expect(
    firstReady([
      { fd: a, events: EPOLLIN },
      { fd: -1, events: EPOLLIN },
    ]),
  ).rejects.toThrow(file("EBADF"));
  reactor.watch(a, EPOLLIN, () => {}).close();
});

test("a closed reactor closes its watches and cannot be used again", () => {
  withoutLeak(() => {
    const mine = new Reactor();
    const [outlet, inlet] = pipe();
    const watch = mine.watch(outlet, EPOLLIN, () => {});
    mine.close();
    mine.close();
    watch.close();
    expect(() => mine.watch(outlet, EPOLLIN, () => {})).toThrow("the reactor is closed");
    outlet.close();
    inlet.close();
  });
});

test("the process ends when its last watch is closed, not earlier", async () => {
  const { status, stdout, stderr } = await runScript(`
    import { spawn } from "node:child_process";
    import { pipe } from "./files/file.ts";
    import { EPOLLIN } from "./constants.ts";
    import { Reactor } from "./poll.ts";
    const [outlet, inlet] = pipe();
    const child = spawn("sh", ["-c", "sleep 0.2; echo"], { stdio: ["ignore", inlet.number, "inherit"] });
    child.unref();
    inlet.close();
    const watch = Reactor.shared().watch(outlet, EPOLLIN, () => { watch.close(); console.log("event"); });
    process.on("exit", () => console.log("exit"));
  `);
  expect({ status, stderr, stdout: stdout.toString() }).toEqual({ status: 0, stderr: "", stdout: "event\nexit\n" });
});

test.each([
  ["process.exit with watches open", "process.exit(3);", 3],
  ["an end with the shared reactor closed in a callback", "Reactor.shared().close(); process.exitCode = 3;", 3],
  ["an error thrown in a callback", "throw new Error('from a callback');", 1],
])("the process is not aborted: %s", async (_, action, expected) => {
  const { status, signal, stderr } = await runScript(`
    import { pipe } from "./files/file.ts";
    import { EPOLLOUT } from "./constants.ts";
    import { Reactor } from "./poll.ts";
    const [, inlet] = pipe();
    Reactor.shared().watch(inlet, EPOLLOUT, () => { ${action} });
  `);
  const said = expected === 1 ? expect.stringContaining("from a callback") : "";
  expect({ status, signal, stderr }).toEqual({ status: expected, signal: null, stderr: said });
});

test.each([
  ["by itself", "", 0],
  ["by process.exit()", "process.exit(3);", 3],
  ["by an uncaught exception", "throw new Error('uncaught');", 1],
])("the process ends %s with an event due at a watch that does not keep it alive", async (_, action, expected) => {
  const { status, signal, stderr } = await runScript(`
    import { pipe } from "./files/file.ts";
    import { EPOLLOUT } from "./constants.ts";
    import { Reactor } from "./poll.ts";
    const [, inlet] = pipe();
    const watch = Reactor.shared().watch(inlet, EPOLLOUT, () => {});
    watch.unref();
    process.on("exit", () => {
      watch.modify(EPOLLOUT);
      Reactor.shared().watch(pipe()[1], EPOLLOUT, () => {}).unref();
    });
    ${action}
  `);
  const said = expected === 1 ? expect.stringContaining("Error: uncaught") : "";
  expect({ status, signal, stderr }).toEqual({ status: expected, signal: null, stderr: said });
});

test("the process ends after an exit handler that is the first to wait for a descriptor", async () => {
  const { status, signal, stderr } = await runScript(`
    import { pipe } from "./files/file.ts";
    import { EPOLLOUT } from "./constants.ts";
    import { Reactor } from "./poll.ts";
    process.on("exit", () => Reactor.shared().watch(pipe()[1], EPOLLOUT, () => {}));
  `);
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: "" });
});

test("a worker thread has no reactor and gets an error (koffi would abort the process at its end)", async () => {
  const { status, stdout, stderr } = await runScript(`
    import { Worker, isMainThread } from "node:worker_threads";
    import { Reactor } from "./poll.ts";
    if (isMainThread) new Worker(new URL(import.meta.url)).on("exit", (code) => console.log("ended", code));
    else try { Reactor.shared(); } catch (error) { console.log(error.message); }
  `);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout.toString()).toBe("cannot wait for descriptors in a worker thread: use the main thread\nended 0\n");
});

test("the first wait of a process makes no reactor if data arrive at once", async () => {
  const { status, stdout, stderr } = await runScript(`
    import { writeSync } from "node:fs";
    import { pipe } from "./files/file.ts";
    import { Reactor, readableSoon } from "./poll.ts";
    const [outlet, inlet] = pipe();
    const seen = [readableSoon(outlet)];
    writeSync(inlet.number, "x");
    seen.push(readableSoon(outlet), Reactor.isRunning);
    Reactor.shared();
    console.log(JSON.stringify([...seen, readableSoon(outlet)]));
  `);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(JSON.parse(stdout.toString())).toEqual([false, true, false, false]);
});
