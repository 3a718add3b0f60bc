import { constants, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { openPath, pipe } from "../../src/descriptors/files/file.ts";
import type { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import { PortholeError } from "../../src/errors.ts";
import type { Message } from "../../src/protocol/codec.ts";
import { StatFlag } from "../../src/protocol/messages.ts";
import { connect } from "../../src/sessions/connect.ts";
import type { Session } from "../../src/sessions/interface/session.ts";
import { owned, temporaryDirectory } from "../descriptors/fixtures.ts";
import { controlMessage, ints } from "../descriptors/raw-message.ts";
import { descriptorCount } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { entry, processOf, record, trailer } from "../protocol/record-bytes.ts";
import { honestInotify, kinds } from "./kinds.ts";
import { type Client, type Lie, type LyingAgent, lyingAgent, statFor } from "./lying-agent.ts";

/*
 * An agent that tells every lie that the protocol allows. Each lie causes one error that names the
 * problem and ends the session. The client does not wait beyond the deadline, and has the same
 * number of open descriptors as before.
 */

const SILENCE_MS = 300;
const nothing = new Uint8Array(0);
const u64 = (value: number) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);

let state: string;
beforeEach(() => {
  state = temporaryDirectory();
  vi.stubEnv("XDG_STATE_HOME", state);
  onTestFinished(() => void vi.unstubAllEnvs());
});

async function session(
  lies: Parameters<typeof lyingAgent>[1],
  requestTimeoutMs = 20_000,
): Promise<{ one: Session; agent: LyingAgent }> {
  const agent = lyingAgent(state, lies);
  onTestFinished(agent.stop);
  const one = await connect(`${agent.target}:/`, { requestTimeoutMs });
  onTestFinished(() => one.close());
  return { one, agent };
}

/** Opens a regular file for reading. */
function file(content = "honest\n"): OwnedFd {
  const path = `${temporaryDirectory()}/file`;
  writeFileSync(path, content);
  return owned(openPath(path, constants.O_RDONLY));
}

/** A message in full begins with the target. */
function withTarget(expected: object, target: string): object {
  return "message" in expected && typeof expected.message === "string"
    ? { ...expected, message: `${target}: ${expected.message}` }
    : expected;
}

/**
 * Runs `ask` against the lie twice, because the first run creates descriptors that a process
 * creates once. Expects the error, or one whose message has these words, and no additional
 * descriptor.
 */
async function refused(
  lie: Parameters<typeof lyingAgent>[1],
  ask: (one: Session) => Promise<unknown>,
  expected: string | RegExp | { code?: string; errno?: string; message?: unknown },
  { endsSession = true, timeoutMs = 20_000 } = {},
): Promise<void> {
  const words = typeof expected === "string" ? expect.stringContaining(expected) : undefined;
  const message = expected instanceof RegExp ? expect.stringMatching(expected) : words;
  for (const count of [true, false]) {
    const { one, agent } = await session(lie, timeoutMs);
    const error = message === undefined ? withTarget(expected as object, agent.target) : { message };
    const before = descriptorCount();
    await expect(ask(one)).rejects.toMatchObject({ code: "SESSION", ...(error as object) });
    if (endsSession) expect(one.ended).toBeInstanceOf(PortholeError);
    one.close();
    agent.stop();
    if (!count) await waitFor("the descriptors to be closed", () => descriptorCount() <= before);
  }
}

const drained = async (records: AsyncIterable<unknown>): Promise<number> => {
  let count = 0;
  for await (const _ of records) count++;
  return count;
};
const open = (one: Session) => one.open("/x");
const list = (one: Session) => drained(one.list("/x"));
const processes = (one: Session) => drained(one.processes());
const watch = (one: Session) => one.watch("/x", 2, () => undefined);
const mounts = (one: Session) => one.mounts();
const watchReply = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);

describe("a wrong number of descriptors ends the session:", () => {
  // Makes a lie about an open file: the stat is correct, so only the number is wrong.
  const opened = (change: (fd: OwnedFd) => { descriptors: OwnedFd[]; says: number }): Lie => {
    return (request, client) => {
      const fd = file();
      const { descriptors, says } = change(fd);
      client.answer(request, statFor(fd), descriptors, { descriptors: says });
    };
  };
  test.each([
    ["none, and says so", 0, 0, "no descriptor for an open file"],
    ["none, but says one", 0, 1, "0 descriptors instead of 1"],
    ["one, but says none", 1, 0, "1 descriptors instead of 0"],
    ["one, but says two", 1, 2, "1 descriptors instead of 2"],
    ["two", 2, 2, "more descriptors than allowed"],
    ["five that are said to be one", 5, 1, "more descriptors than allowed"],
    ["253", 253, 253, "more descriptors than allowed"],
  ])("%s", async (_, sent, says, complaint) => {
    const lie = opened((fd) => ({ descriptors: Array.from({ length: sent }, () => fd), says }));
    await refused({ open: lie }, open, complaint);
  });

  const openMany = (one: Session) => one.openMany?.("/x", ["a", "b"]) ?? Promise.reject(new Error("no such method"));
  const openedMany = (fds: OwnedFd[], bits: number, stats = fds.map((fd) => statFor(fd))): Lie => {
    return (request, client) => client.answer(request, Buffer.concat([u64(bits), ...stats]), fds);
  };
  test.each([
    ["three for two names", () => openedMany([file(), file(), file()], 7), "more descriptors than allowed"],
    ["one where it names two files", () => openedMany([file()], 3), "1 open files that do not match its list of names"],
    ["two where it names one file", () => openedMany([file(), file()], 2), "2 open files that do not"],
    ["one for a third name", () => openedMany([file()], 4), "1 open files that do not match its list of names"],
    ["one without its stat", () => openedMany([file()], 1, []), "8 bytes for 1 open files"],
    ["two in the wrong order", () => swapped(file(), file()), "inode"],
    ["a pipe", () => openedMany([owned(pipe()[0])], 1), "a file that must be opened by a request of its own"],
  ])("several descriptors in a reply to OPEN_MANY: %s", async (_, lie, complaint) => {
    await refused({ openMany: (request, client) => lie()(request, client) }, openMany, complaint);
  });
  const swapped = (one: OwnedFd, other: OwnedFd) => openedMany([one, other], 3, [statFor(other), statFor(one)]);

  test("one descriptor in the answer to a request without a descriptor", async () => {
    const lie: Lie = (request, client) => client.answer(request, statFor(file()), [file()]);
    await refused({ stat: lie }, (one) => one.stat("/x"), "1 descriptors in reply to stat");
  });

  test("one descriptor with an error", async () => {
    const lie: Lie = (request, client) => client.answer(request, nothing, [file()], { error: 2 });
    await refused({ open: lie }, open, "an error reply with a body or descriptors");
  });

  test("one descriptor in an empty packet, which looks like the end of file", async () => {
    const lie: Lie = (_, client) => client.sendControl(nothing, controlMessage(ints(file().number)));
    await refused({ open: lie }, open, /an empty packet with descriptors/);
  });

  test("one descriptor together with credentials", async () => {
    const lie: Lie = (request, client) => {
      const credentials = controlMessage(ints(process.pid, process.getuid?.() ?? 0, process.getgid?.() ?? 0), {
        type: 2,
      });
      client.sendControl(header(request), Buffer.concat([credentials, controlMessage(ints(file().number))]));
      client.close();
    };
    // Credentials are only delivered on request (SO_PASSCRED). The host receives a packet that does
    // not match its header.
    await refused({ open: lie }, open, {});
  });

  test("truncated control data is refused by the kernel", async () => {
    let outcome: number | string = "";
    const lie: Lie = (request, client) => {
      outcome = client.sendControl(
        header(request),
        controlMessage(ints(file().number), { length: 17 }).subarray(0, 19),
      );
      client.close();
    };
    await refused({ open: lie }, open, {});
    // The kernel refuses the packet, or sends it without the truncated part. No descriptor arrives
    // in either case.
    expect(["EINVAL", 16]).toContain(outcome);
  });
});

describe.each(Object.keys(kinds))("%s", (kind) => {
  const make = (): OwnedFd => owned((kinds[kind] as () => OwnedFd)());

  test("is refused if it is not a regular file", async () => {
    const lie: Lie = (request, client) => client.answer(request, statFor(file()), [make()]);
    await refused({ open: lie }, open, /^[0-9a-f]{64}: protocol violation: for \/x the agent sent /);
  });

  test("is refused if it is not the pipe of a relayed file", async () => {
    const lie: Lie = (request, client) =>
      client.answer(request, statFor(file(), { flags: StatFlag.relayed }), [make()]);
    await refused({ open: lie }, open, /a .* instead of the announced fifo|access mode/);
  });

  test.each([
    ["a directory's entries", "list", list],
    ["processes", "processes", processes],
    ["mounts", "mounts", mounts],
  ] as const)("is refused if it is not the pipe of %s", async (_, op, ask) => {
    await refused(
      { [op]: (request: Message, client: Client) => client.answer(request, nothing, [make()]) },
      ask,
      /a .*instead of a pipe|the wrong end of a pipe/,
    );
  });

  if (kind !== "an inotify instance")
    test("is refused if it is not an inotify instance", async () => {
      const lie: Lie = (request, client) => client.answer(request, watchReply, [make()]);
      await refused({ watch: lie }, watch, "instead of an inotify instance");
    });
});

describe("answers out of turn", () => {
  const honest = (request: Message, client: Client, changes: Partial<Message> = {}) =>
    client.answer(request, statFor(file()), [file()], changes);

  test.each([
    ["an id that was never asked", { id: 4711 }, "a reply to request 4711, which is not pending"],
    ["id 0", { id: 0 }, "a reply to request 0"],
    ["another request's number", { type: 0x8005 }, "message 32773 as the reply to request 2 (open)"],
    ["a request instead of a reply", { type: 4 }, "message 4 as the reply to request 2"],
    ["errno 4096", { error: 4096 }, "errno 4096"],
    ["errno -1", { error: -1 }, "errno -1"],
    ["errno -2147483648", { error: -2147483648 }, "errno -2147483648"],
  ])("%s", async (_, changes, complaint) => {
    await refused({ open: (request, client) => honest(request, client, changes) }, open, complaint);
  });

  test("a repeated answer ends the session, and its descriptors are closed", async () => {
    const lie: Lie = (request, client) => {
      const fd = file();
      client.answer(request, statFor(fd), [fd]);
      client.answer(request, statFor(fd), [fd]);
    };
    await refused(
      { open: lie },
      async (one) => {
        (await one.open("/x")).close();
        await one.stat("/x");
      },
      "a reply to request 2, which is not pending",
    );
  });

  test("an answer after the timeout is too late for the session", async () => {
    const late: { request: Message; client: Client }[] = [];
    await refused(
      { open: (request, client) => late.push({ request, client }) },
      async (one) => {
        await one.open("/x").catch((error: PortholeError) => {
          for (const { request, client } of late.splice(0)) honest(request, client);
          throw error;
        });
      },
      { errno: "ETIMEDOUT", message: "the agent did not answer open in time" },
      { timeoutMs: SILENCE_MS },
    );
  });

  test.each([
    ["a packet of one byte", Buffer.of(1)],
    [
      "a header for more than there is",
      Buffer.concat([Buffer.from([4, 128, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]), Buffer.from([9, 0, 0, 0])]),
    ],
  ])("%s", async (_, packet) => {
    await refused({ open: (_request, client) => client.send(packet) }, open, "protocol violation");
  });

  test("a zero-byte packet ends the session", async () => {
    await refused({ open: (_, client) => client.send(nothing) }, open, { message: "the agent ended the session" });
  });

  test.each([0, 119, 121, 4000])("%i bytes of a stat", async (length) => {
    const lie: Lie = (request, client) => client.answer(request, Buffer.alloc(length), [file()]);
    await refused({ open: lie }, open, `${length} bytes of file stat`);
  });

  test("a stat with unknown flags", async () => {
    const lie: Lie = (request, client) => client.answer(request, statFor(file(), { flags: 1 << 30 }), [file()]);
    await refused({ open: lie }, open, "unknown file flags");
  });

  test("unexpected packets without end are not read", async () => {
    const lie: Lie = (request, client) => {
      const fd = file();
      for (let sent = 0; sent < 100; sent++) client.answer(request, nothing, [fd], { id: 1_000_000 + sent });
    };
    await refused({ open: lie }, open, "a reply to request 1000000");
  });
});

describe("an agent that does not answer", () => {
  test.each([
    ["open", open, "the agent did not answer open in time"],
    ["list", list, "the agent did not answer list in time"],
    ["processes", processes, "the agent did not answer processes in time"],
    ["watch", watch, "the agent did not answer watch in time"],
    ["mounts", mounts, "the agent did not answer mounts in time"],
  ] as const)("to %s ends the session at the timeout", async (_, ask, message) => {
    await refused({}, ask, { errno: "ETIMEDOUT", message }, { timeoutMs: SILENCE_MS });
  });

  test.each([
    ["list", list],
    ["processes", processes],
  ] as const)("in the pipe of %s ends the session at the timeout", async (op, ask) => {
    const lie = (request: Message, client: Client) => {
      const [reading, writing] = pipe();
      owned(writing);
      client.answer(request, nothing, [owned(reading)]);
    };
    await refused({ [op]: lie }, ask, { errno: "ETIMEDOUT" }, { timeoutMs: SILENCE_MS });
  });

  test("in full, but sends single bytes, ends the session at the timeout", async () => {
    const lie: Lie = async (request, client) => {
      const [reading, writing] = pipe();
      client.answer(request, nothing, [reading]);
      reading.close();
      const slow = entry(Buffer.from("x".repeat(200)));
      const { writeSync } = await import("node:fs");
      try {
        for (const byte of slow) {
          writeSync(writing.number, Buffer.of(byte));
          await delay(SILENCE_MS / 10);
        }
      } catch {
        // EPIPE: the client has closed the pipe.
      }
      writing.close();
    };
    await refused({ list: lie }, list, { errno: "ETIMEDOUT" }, { timeoutMs: SILENCE_MS });
  });

  test.each(["open", "stat", "list", "processes", "watch", "mounts", "readlink"] as const)(
    "because it ends after %s ends the session",
    async (op) => {
      const ask = {
        ...{ open, list, processes, watch, mounts },
        ...{ stat: (one: Session) => one.stat("/x"), readlink: (one: Session) => one.readlink("/x") },
      }[op];
      await refused({ [op]: (_: Message, client: Client) => client.close() }, ask, {
        message: "the agent ended the session",
      });
    },
  );

  test("to HELLO because it has ended ends the session", async () => {
    const agent = lyingAgent(state, { hello: (_, client) => client.close() });
    onTestFinished(agent.stop);
    await expect(connect(`${agent.target}:/`)).rejects.toBeInstanceOf(PortholeError);
  });
});

describe("a list of records", () => {
  /** Answers with a list whose pipe has these bytes and then ends. */
  const pipeOf = (...chunks: Uint8Array[]): Lie => {
    return (request, client) => {
      const [reading, writing] = pipe();
      client.answer(request, nothing, [reading]);
      reading.close();
      void write(writing, chunks).finally(() => writing.close());
    };
  };
  const write = async (to: OwnedFd, chunks: Iterable<Uint8Array>) => {
    const { write: writeAsync } = await import("node:fs");
    for (const chunk of chunks)
      for (let done = 0; done < chunk.length; )
        done += await new Promise<number>((resolve, reject) =>
          writeAsync(to.number, chunk, done, (error, count) => (error ? reject(error) : resolve(count))),
        ).catch(() => chunk.length);
  };
  const one = entry(Buffer.from("a"));

  test.each([
    ["a name with a slash", [entry(Buffer.from("a/b")), trailer(1)], "an invalid file name"],
    ["a name with NUL", [entry(Buffer.from("a\0b")), trailer(1)], "an invalid file name"],
    ["an empty name", [entry(nothing), trailer(1)], "an invalid file name"],
    [
      "the directory itself, which leads round in a circle",
      [entry(Buffer.from(".")), trailer(1)],
      "a directory entry . or ..",
    ],
    ["its parent", [entry(Buffer.from("..")), trailer(1)], "a directory entry . or .."],
    ["a process", [processOf(nothing, nothing), trailer(1)], "a process in a directory"],
    ["more than the trailer says", [one, one, trailer(1)], "a trailer with a wrong count"],
    ["fewer than the trailer says", [one, trailer(2)], "a trailer with a wrong count"],
    ["something after the trailer", [trailer(0), one], "a record after the trailer"],
    ["an errno out of range", [trailer(0, 4096)], "errno 4096"],
    ["an unknown kind", [record(77, 8, () => {})], "a record of kind 77"],
    ["a record of 4 GiB", [record(1, 8, (head) => head.writeUInt32LE(0xffff_ffff, 0))], "a record of 4294967295 bytes"],
  ])("with %s", async (_, chunks, complaint) => {
    await refused({ list: pipeOf(Buffer.concat(chunks)) }, list, complaint);
  });

  test("that shrinks while it is read is reported as truncated, and the session continues", async () => {
    const lie = pipeOf(one, one.subarray(0, 10));
    await refused({ list: lie }, list, "a truncated list", { endsSession: false });
  });

  test("of processes that are each other's parents is returned unchanged", async () => {
    const cyclic = Buffer.concat([
      processOf(Buffer.from("a"), nothing, 0, { pid: 7, parent: 8 }),
      processOf(Buffer.from("b"), nothing, 0, { pid: 8, parent: 7 }),
      processOf(Buffer.from("c"), nothing, 0, { pid: 9, parent: 9 }),
      trailer(3),
    ]);
    const { one: session_ } = await session({ processes: pipeOf(cyclic) });
    expect(await processes(session_)).toBe(3);
  });
});

describe("a watch answer", () => {
  test("with a second inotify instance ends the session", async () => {
    const lie: Lie = (request, client) => client.answer(request, watchReply, [honestInotify()]);
    await refused(
      { watch: lie },
      async (one) => {
        await watch(one);
        await watch(one);
      },
      "a second inotify descriptor",
    );
  });

  test("without an inotify instance ends the session", async () => {
    await refused(
      { watch: (request, client) => client.answer(request, watchReply) },
      watch,
      "a watch without its descriptor",
      { endsSession: false },
    );
  });

  test.each([0, 7, 9, 4000])("of %i bytes ends the session", async (length) => {
    const lie: Lie = (request, client) => client.answer(request, Buffer.alloc(length), [honestInotify()]);
    await refused({ watch: lie }, watch, "a watch without its descriptor", { endsSession: false });
  });
});

describe("a stat at the limits of its fields", () => {
  const most = 2n ** 64n - 1n;
  test.each([2n ** 63n - 1n, most])("returns the size %s unchanged", async (size) => {
    const lie: Lie = (request, client) =>
      client.answer(
        request,
        statFor(file(), {
          bytes: size,
          blocks: size,
          inode: size,
          mountId: size,
          atime: size,
          mtime: size,
          ctime: size,
        }),
      );
    const { one } = await session({ stat: lie });
    expect(await one.stat("/x")).toMatchObject({ size, blocks: size, inode: size, mountId: size });
  });

  test("with a wrong size does not change the data that is read from the file", async () => {
    const lie: Lie = (request, client) => {
      const fd = file();
      client.answer(request, statFor(fd, { bytes: 2n ** 63n - 1n }), [fd]);
    };
    const { one } = await session({ open: lie });
    const opened = await one.open("/x");
    expect(opened.size()).toBe(7);
    const chunks: Buffer[] = [];
    for await (const chunk of opened.stream()) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe("honest\n");
    opened.close();
  });
});

describe("a relayed file", () => {
  const relayed = (content: string, end: (request: Message, client: Client) => void) => ({
    open: (request: Message, client: Client) => {
      const [reading, writing] = pipe();
      client.answer(request, statFor(file(), { flags: StatFlag.relayed }), [reading]);
      reading.close();
      writeFileSync(writing.number, content);
      writing.close();
    },
    relayEnd: end,
  });
  const u64 = (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(value);
    return bytes;
  };
  const readAll = async (one: Session) => {
    const opened = await one.open("/x");
    let count = 0;
    try {
      for await (const chunk of opened.stream()) count += chunk.length;
    } finally {
      opened.close();
    }
    return count;
  };

  test("is complete if the agent reports the number of bytes", async () => {
    const { one } = await session(relayed("12345", (request, client) => client.answer(request, u64(5n))));
    expect(await readAll(one)).toBe(5);
  });

  test.each<[string, Lie, object]>([
    [
      "more bytes than came",
      (request, client) => client.answer(request, u64(6n)),
      { errno: "EIO", message: "/x: truncated: read 5 of 6 bytes" },
    ],
    ["an error", (request, client) => client.answer(request, nothing, [], { error: 116 }), { errno: "ESTALE" }],
    [
      "that it does not know",
      (request, client) => client.answer(request, nothing, [], { error: 11 }),
      { errno: "EIO", message: expect.stringContaining(": truncated") },
    ],
    ["nothing and ends", (_, client) => client.close(), { errno: "EIO" }],
  ])("is an error if the agent reports %s", async (_, end, expected) => {
    const { one } = await session(relayed("12345", end));
    await expect(readAll(one)).rejects.toMatchObject({ code: "FILE", ...expected });
  });
});

function header(request: Message): Buffer {
  const packet = Buffer.alloc(16);
  packet.writeUInt16LE(request.type | 0x8000, 0);
  packet.writeUInt16LE(1, 2);
  packet.writeUInt32LE(request.id, 4);
  return packet;
}
