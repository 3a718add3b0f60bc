import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PortholeError } from "../../src/errors.ts";
import { decodeMessage, encode, encodeMessage, encodeServe } from "../../src/protocol/codec.ts";
import { Header, MAX_PACKET, MAX_PATH, Op, REPLY, VERSION } from "../../src/protocol/messages.ts";

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
const path = fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => bytes.map((byte) => byte || 1));

/** Returns the error that `action` throws, which must be a PortholeError. */
function failure(action: () => unknown): PortholeError {
  try {
    action();
  } catch (error) {
    if (error instanceof PortholeError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

/** Reads a body's fields in order, and expects that no bytes remain. */
function fields(body: Uint8Array) {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  let at = 0;
  const take = <T>(size: number, read: (at: number) => T): T => {
    const value = read(at);
    at += size;
    return value;
  };
  return {
    u16: () => take(2, (at) => view.getUint16(at, true)),
    u32: () => take(4, (at) => view.getUint32(at, true)),
    i32: () => take(4, (at) => view.getInt32(at, true)),
    u64: () => take(8, (at) => view.getBigUint64(at, true)),
    path: () => {
      const length = take(2, (at) => view.getUint16(at, true));
      return take(length, (at) => Uint8Array.from(body.subarray(at, at + length)));
    },
    left: () => body.length - at,
  };
}

describe("a message", () => {
  test("is decoded as it was encoded, at any offset of a buffer", () => {
    fc.assert(
      fc.property(
        fc.record({
          type: u16,
          id: u32,
          body: fc.uint8Array({ maxLength: 300 }),
          descriptors: u16,
          error: fc.integer({ min: 0, max: 4095 }),
          before: fc.nat({ max: 9 }),
        }),
        ({ type, id, body, descriptors, error, before }) => {
          const packet = Buffer.concat([Buffer.alloc(before, 0xff), encodeMessage(type, id, body, descriptors, error)]);
          const message = decodeMessage(packet.subarray(before), descriptors);
          expect({ ...message, body: Uint8Array.from(message.body) }).toEqual({ type, descriptors, id, error, body });
        },
      ),
    );
  });

  test("truncated at any length is refused", () => {
    const packet = encodeMessage(Op.open, 7, encode.open(0, 0n, Buffer.from("/etc/hostname")));
    for (let length = 0; length < packet.length; length++) {
      const error = failure(() => decodeMessage(packet.subarray(0, length), 0));
      expect(error.code).toBe("SESSION");
      expect(error.message).toMatch(
        length < Header.size ? `a packet of ${length} bytes` : `with ${length - Header.size} after it`,
      );
    }
  });

  test("with an extra byte is refused", () => {
    const packet = Buffer.concat([encodeMessage(Op.stat, 1, new Uint8Array(3)), Buffer.alloc(1)]);
    expect(failure(() => decodeMessage(packet, 0)).message).toMatch("a header for 3 bytes with 4 after it");
  });

  test.each([
    [0, 1],
    [1, 0],
    [1, 2],
    [65_535, 0],
  ])("that announces %i descriptors and has %i is refused", (announced, arrived) => {
    const packet = encodeMessage(Op.open | REPLY, 1, new Uint8Array(0), announced);
    expect(failure(() => decodeMessage(packet, arrived)).message).toMatch(
      `${arrived} descriptors instead of ${announced}`,
    );
  });

  test.each([-1, 4096, 0x7fff_ffff, -0x8000_0000])("with errno %i is refused", (errno) => {
    const packet = encodeMessage(Op.open | REPLY, 1, new Uint8Array(0), 0, errno);
    expect(failure(() => decodeMessage(packet, 0))).toMatchObject({ code: "SESSION" });
  });

  test("may fill a packet up to its limit", () => {
    const most = MAX_PACKET - Header.size;
    expect(encodeMessage(1, 1, new Uint8Array(most))).toHaveLength(MAX_PACKET);
    expect(() => encodeMessage(1, 1, new Uint8Array(most + 1))).toThrow(RangeError);
  });
});

describe("the body of a request has exactly the fields of docs/protocol.md in order:", () => {
  test("HELLO and SERVE", () => {
    const hello = fields(encode.hello());
    expect([hello.u16(), hello.u16(), hello.left()]).toEqual([VERSION, 0, 0]);
    const serve = decodeMessage(encodeServe(), 1);
    expect(serve).toMatchObject({ type: Op.serve, id: 0, error: 0, descriptors: 1 });
    expect(serve.body).toEqual(encode.hello());
  });

  test("OPEN", () => {
    fc.assert(
      fc.property(u32, u64, path, (flags, offset, name) => {
        const body = fields(encode.open(flags, offset, name));
        expect([body.u32(), body.u64(), body.path(), body.left()]).toEqual([flags, offset, name, 0]);
      }),
    );
  });

  test.each(["stat", "list"] as const)("%s", (op) => {
    fc.assert(
      fc.property(u32, path, (flags, name) => {
        const body = fields(encode[op](flags, name));
        expect([body.u32(), body.path(), body.left()]).toEqual([flags, name, 0]);
      }),
    );
  });

  test("READLINK", () => {
    fc.assert(
      fc.property(path, (name) => {
        const body = fields(encode.readlink(name));
        expect([body.path(), body.left()]).toEqual([name, 0]);
      }),
    );
  });

  test("OPEN_MANY", () => {
    fc.assert(
      fc.property(path, fc.array(path, { maxLength: 3 }), (directory, names) => {
        const body = fields(encode.openMany(directory, names));
        expect([body.path(), ...names.map(() => body.path()), body.left()]).toEqual([directory, ...names, 0]);
      }),
    );
  });

  test("WATCH, with a path and without", () => {
    fc.assert(
      fc.property(
        u32,
        u32,
        fc.integer({ min: -1, max: 0x7fff_ffff }),
        fc.option(path, { nil: undefined }),
        (flags, mask, watch, name) => {
          const body = fields(encode.watch(flags, mask, watch, name));
          expect([body.u32(), body.u32(), body.i32()]).toEqual([flags, mask, watch]);
          if (name !== undefined) expect(body.path()).toEqual(name);
          expect(body.left()).toBe(0);
        },
      ),
    );
  });

  test("OPEN_PROCESS_FD", () => {
    fc.assert(
      fc.property(u32, u32, u32, u64, (flags, pid, fd, offset) => {
        const body = fields(encode.openProcessFd(flags, pid, fd, offset));
        expect([body.u32(), body.u32(), body.u32(), body.u64(), body.left()]).toEqual([flags, pid, fd, offset, 0]);
      }),
    );
  });

  test("PROCESSES, MOUNTS and BYE", () => {
    const processes = fields(encode.processes(1));
    expect([processes.u32(), processes.left()]).toEqual([1, 0]);
    expect(encode.mounts()).toHaveLength(0);
    const bye = fields(encode.bye(1));
    expect([bye.u32(), bye.left()]).toEqual([1, 0]);
  });
});

describe("an impossible path fails with the kernel's errno before it is sent:", () => {
  const everywhere = [
    ["open", (name: Uint8Array) => encode.open(0, 0n, name)],
    ["stat", (name: Uint8Array) => encode.stat(0, name)],
    ["readlink", encode.readlink],
    ["list", (name: Uint8Array) => encode.list(0, name)],
    ["watch", (name: Uint8Array) => encode.watch(0, 2, -1, name)],
  ] as const;

  test.each(everywhere)("%s", (_, body) => {
    expect(failure(() => body(new Uint8Array(0)))).toMatchObject({ code: "FILE", errno: "ENOENT" });
    expect(failure(() => body(Buffer.from("a\0b")))).toMatchObject({ code: "FILE", errno: "EINVAL" });
    expect(failure(() => body(Buffer.alloc(MAX_PATH + 1, "a")))).toMatchObject({ code: "FILE", errno: "ENAMETOOLONG" });
    expect(body(Buffer.alloc(MAX_PATH, "a")).length).toBeGreaterThan(MAX_PATH);
  });
});
