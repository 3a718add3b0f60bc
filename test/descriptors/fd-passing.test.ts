import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { MSG_CTRUNC, O_CLOEXEC } from "../../src/descriptors/constants.ts";
import { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import { controlLength, parseControl } from "../../src/descriptors/sockets/control.ts";
import { connection, numberedFiles, numbersOf, owned, packet, withoutLeak } from "./fixtures.ts";
import { CMSG_LEN, CMSG_SPACE, controlMessage, ints, type RawMessage, rawReceive, rawSend } from "./raw-message.ts";

// Counterparts of SCMRightsTest in CPython's Lib/test/test_socket.py. Each test names its case in
// that file.

const MSG = new TextEncoder().encode("Michael Gilfix was here\n");
const badDescriptor = -0x5555;

function rights({ control }: RawMessage): OwnedFd[] {
  return parseControl(new DataView(control.buffer), control.length).descriptors.map(OwnedFd.adopt);
}

function rightsOf(files: readonly OwnedFd[]): Uint8Array {
  return controlMessage(ints(...files.map((file) => file.number)));
}

test("one descriptor arrives (testFDPassSimple)", () => {
  const { peer, socket } = connection(1);
  const [file] = numberedFiles(1);
  if (file === undefined) throw new Error();
  expect(rawSend(peer, MSG, rightsOf([file]))).toBe(MSG.length);
  const { data, descriptors } = packet(socket.receive());
  expect(data).toEqual(MSG);
  expect(descriptors[0]?.number).not.toBe(file.number);
  expect(numbersOf(descriptors)).toEqual([0]);
});

test("several descriptors keep their order (testMultipleFDPass)", () => {
  const { peer, socket } = connection(8);
  rawSend(peer, MSG, rightsOf(numberedFiles(4)));
  expect(numbersOf(packet(socket.receive()).descriptors)).toEqual([0, 1, 2, 3]);
});

test("four descriptors fit in a buffer of CMSG_SPACE (testFDPassCMSG_SPACE)", () => {
  const { peer, socket } = connection(4);
  rawSend(peer, MSG, rightsOf(numberedFiles(4)));
  const message = rawReceive(socket.fd, CMSG_SPACE(16));
  expect(message.flags & MSG_CTRUNC).toBe(0);
  expect(numbersOf(rights(message))).toEqual([0, 1, 2, 3]);
});

test("a descriptor fits in a buffer of CMSG_LEN, the size that FdSocket uses (testFDPassCMSG_LEN)", () => {
  const { peer, socket } = connection(4);
  rawSend(peer, MSG, rightsOf(numberedFiles(1)));
  const message = rawReceive(socket.fd, CMSG_LEN(16));
  expect(message.flags & MSG_CTRUNC).toBe(0);
  expect(numbersOf(rights(message))).toEqual([0]);
  expect(controlLength(4)).toBe(CMSG_LEN(16));
});

test("the descriptors of two control messages in one packet arrive in order (testFDPassSeparate)", () => {
  const { peer, socket } = connection(2);
  const files = numberedFiles(2);
  rawSend(peer, MSG, Buffer.concat(files.map((file) => rightsOf([file]))));
  expect(numbersOf(packet(socket.receive()).descriptors)).toEqual([0, 1]);
});

test("two control messages fit in the minimum space for two (testFDPassSeparateMinSpace)", () => {
  const { peer, socket } = connection(2);
  const files = numberedFiles(2);
  rawSend(peer, MSG, Buffer.concat(files.map((file) => rightsOf([file]))));
  expect(numbersOf(rights(rawReceive(socket.fd, CMSG_SPACE(4) + CMSG_LEN(8))))).toEqual([0, 1]);
});

test("an empty array of descriptors brings no descriptor (testFDPassEmpty)", () => {
  const { peer, socket } = connection(4);
  withoutLeak(() => {
    expect(rawSend(peer, MSG, controlMessage(ints()))).toBe(MSG.length);
    const { data, descriptors } = packet(socket.receive());
    expect(data).toEqual(MSG);
    expect(descriptors).toEqual([]);
  });
});

test("an array truncated within its only number brings no descriptor (testFDPassPartialInt)", () => {
  const { peer, socket } = connection(4);
  withoutLeak(() => {
    const sent = rawSend(peer, MSG, controlMessage(ints(badDescriptor).subarray(0, 3)));
    if (sent !== MSG.length) expect(rawSend(peer, MSG)).toBe(MSG.length);
    expect(packet(socket.receive()).descriptors).toEqual([]);
  });
});

test("a first array truncated within its second number leaks no descriptor (testFDPassPartialIntInMiddle)", () => {
  const { peer, socket } = connection(4);
  const [first, second] = numberedFiles(2);
  if (first === undefined || second === undefined) throw new Error();
  withoutLeak(() => {
    const control = Buffer.concat([
      controlMessage(ints(first.number, badDescriptor).subarray(0, 7)),
      rightsOf([second]),
    ]);
    const sent = rawSend(peer, MSG, control);
    if (sent !== MSG.length) expect(rawSend(peer, MSG)).toBe(MSG.length);
    const numbers = numbersOf(packet(socket.receive()).descriptors);
    expect(numbers).toEqual([0, 1].slice(0, numbers.length));
  });
});

test("the kernel refuses a number that is not a descriptor, and sends nothing", () => {
  const { peer, socket } = connection(4);
  expect(rawSend(peer, MSG, controlMessage(ints(badDescriptor)))).toBe("EBADF");
  expect(socket.receive()).toBe("again");
});

// checkTruncatedHeader: testCmsgTruncNoBufSize, Trunc0, Trunc1, Trunc2Int, TruncLen0Minus1.
test.each([
  ["no buffer (testCmsgTruncNoBufSize, testCmsgTrunc0)", 0],
  ["one byte (testCmsgTrunc1)", 1],
  ["two ints (testCmsgTrunc2Int)", 8],
  ["a header less one byte (testCmsgTruncLen0Minus1)", CMSG_LEN(0) - 1],
])("a buffer too short for a header receives no descriptor: %s", (_, length) => {
  const { peer, socket } = connection(0);
  const files = numberedFiles(1);
  withoutLeak(() => {
    rawSend(peer, MSG, rightsOf(files));
    const message = rawReceive(socket.fd, length);
    expect(message.flags & MSG_CTRUNC).toBe(MSG_CTRUNC);
    expect(rights(message)).toEqual([]);
  });
});

// checkTruncatedArray: testCmsgTruncLen0, TruncLen0Plus1, TruncLen1, TruncLen2Minus1.
test.each([
  ["nothing but a header (testCmsgTruncLen0)", CMSG_LEN(0), 0],
  ["a header and one byte (testCmsgTruncLen0Plus1)", CMSG_LEN(0) + 1, 0],
  ["one descriptor (testCmsgTruncLen1)", CMSG_LEN(4), 1],
  ["two descriptors less one byte (testCmsgTruncLen2Minus1)", CMSG_LEN(8) - 1, 1],
])("a buffer too short for two descriptors receives only those that fit: %s", (_, length, most) => {
  const { peer, socket } = connection(0);
  const files = numberedFiles(2);
  withoutLeak(() => {
    rawSend(peer, MSG, rightsOf(files));
    const message = rawReceive(socket.fd, length);
    expect(message.flags & MSG_CTRUNC).toBe(MSG_CTRUNC);
    expect(numbersOf(rights(message))).toEqual([0].slice(0, most));
  });
});

test("all descriptors that the kernel installs are found and closed, for every length of the buffer", () => {
  const files = numberedFiles(5);
  for (let length = 0; length <= CMSG_SPACE(20) + 8; length++) {
    const { peer, socket } = connection(0);
    withoutLeak(() => {
      rawSend(peer, MSG, rightsOf(files));
      const message = rawReceive(socket.fd, length);
      const numbers = numbersOf(rights(message));
      const fits = Math.max(0, Math.min(5, Math.floor((length - CMSG_LEN(0)) / 4)));
      expect(numbers, `buffer of ${length} bytes`).toEqual([0, 1, 2, 3, 4].slice(0, fits));
      expect(message.flags & MSG_CTRUNC).toBe(fits < 5 ? MSG_CTRUNC : 0);
    });
  }
});

test("CMSG_SPACE for one descriptor admits two, but the exact buffer does not", () => {
  const files = numberedFiles(2);
  const { peer, socket } = connection(1);
  rawSend(peer, MSG, rightsOf(files));
  expect(numbersOf(rights(rawReceive(socket.fd, CMSG_SPACE(4))))).toEqual([0, 1]);
  withoutLeak(() => {
    rawSend(peer, MSG, rightsOf(files));
    expect(() => socket.receive()).toThrow(/more descriptors than allowed/);
  });
});

// These senders send more than allowed, which CPython's suite cannot test with its own recvmsg.
for (const allowed of [0, 1, 2])
  test.each([0, 1, 2, 5, 253])(
    `%i descriptors arrive, or end the session without a leak, if ${allowed} are allowed`,
    (count) => {
      const { peer, socket } = connection(allowed);
      const [file] = numberedFiles(1);
      if (file === undefined) throw new Error();
      withoutLeak(() => {
        rawSend(peer, MSG, count === 0 ? undefined : rightsOf(Array.from({ length: count }, () => file)));
        if (count > allowed) expect(() => socket.receive()).toThrow(expect.objectContaining({ code: "SESSION" }));
        else expect(numbersOf(packet(socket.receive()).descriptors)).toEqual(Array(count).fill(0));
      });
    },
  );

test("253 descriptors, the kernel's maximum, arrive if they are allowed; 254 cannot be sent", () => {
  const { peer, socket } = connection(253);
  const [file] = numberedFiles(1);
  if (file === undefined) throw new Error();
  withoutLeak(() => {
    rawSend(peer, MSG, rightsOf(Array.from({ length: 253 }, () => file)));
    expect(numbersOf(packet(socket.receive()).descriptors)).toHaveLength(253);
  });
  expect(rawSend(peer, MSG, rightsOf(Array.from({ length: 254 }, () => file)))).toBe("EINVAL");
});

test.each([1, 3])(
  "an empty packet with %i descriptors is not an end of file: they are closed and the session ends",
  (count) => {
    const { peer, socket } = connection(3);
    const files = numberedFiles(count);
    withoutLeak(() => {
      expect(rawSend(peer, new Uint8Array(), rightsOf(files))).toBe(0);
      expect(() => socket.receive()).toThrow(/an empty packet with descriptors/);
    });
  },
);

test("an empty packet without descriptors is the end of file", () => {
  const { peer, socket } = connection(1);
  rawSend(peer, new Uint8Array());
  expect(socket.receive()).toBe("end");
});

test("an empty packet with more descriptors than allowed closes all of them", () => {
  const { peer, socket } = connection(1);
  const files = numberedFiles(5);
  withoutLeak(() => {
    rawSend(peer, new Uint8Array(), rightsOf(files));
    expect(() => socket.receive()).toThrow(/more descriptors than allowed/);
  });
});

test("a descriptor of every kind arrives and is close-on-exec", () => {
  const { peer, socket } = connection(1);
  const other = connection(1);
  owned(other.peer);
  for (const file of [...numberedFiles(1), other.peer]) {
    rawSend(peer, MSG, rightsOf([file]));
    const [received] = packet(socket.receive()).descriptors;
    if (received === undefined) throw new Error("no descriptor");
    expect(isCloseOnExec(received)).toBe(true);
    received.close();
  }
});

function isCloseOnExec(fd: OwnedFd): boolean {
  const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd.number}`, "utf8"))?.[1];
  return (Number.parseInt(flags ?? "0", 8) & O_CLOEXEC) !== 0;
}
