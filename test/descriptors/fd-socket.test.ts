import { expect, test } from "vitest";
import { SOL_SOCKET } from "../../src/descriptors/constants.ts";
import { libc, Memory } from "../../src/descriptors/libc.ts";
import { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import { writable } from "../../src/descriptors/poll.ts";
import { FdSocket, refuseDescriptors, socketpair } from "../../src/descriptors/sockets/fd-socket.ts";
import { connection, numberedFiles, numbersOf, owned, packet, withoutLeak } from "./fixtures.ts";
import { controlMessage, ints, rawSend } from "./raw-message.ts";
import { runScript } from "./run-script.ts";

function pair(maxDescriptors: number, maxPacket?: number): [FdSocket, FdSocket] {
  const options = maxPacket === undefined ? { maxDescriptors } : { maxDescriptors, maxPacket };
  const [a, b] = socketpair();
  return [owned(new FdSocket(a, options)), owned(new FdSocket(b, options))];
}

test("bytes and descriptors pass both ways, and the sender keeps its own descriptors", () => {
  const [a, b] = pair(3);
  const files = numberedFiles(3);
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    expect(from.send(Uint8Array.of(1, 2, 3), files)).toBe(true);
    const { data, descriptors } = packet(to.receive());
    expect([...data]).toEqual([1, 2, 3]);
    expect(numbersOf(descriptors)).toEqual([0, 1, 2]);
  }
  for (const file of files) expect(file.closed).toBe(false);
});

test("packets keep their boundaries and their own descriptors", () => {
  const [a, b] = pair(1);
  const files = numberedFiles(2);
  expect(a.send(Uint8Array.of(1), files.slice(0, 1))).toBe(true);
  expect(a.send(Uint8Array.of(2, 2))).toBe(true);
  expect(a.send(Uint8Array.of(3), files.slice(1))).toBe(true);
  const received = [1, 2, 3].map(() => {
    const { data, descriptors } = packet(b.receive());
    return [[...data], numbersOf(descriptors)];
  });
  expect(received).toEqual([
    [[1], [0]],
    [[2, 2], []],
    [[3], [1]],
  ]);
  expect(b.receive()).toBe("again");
});

test("the largest packet passes; the sender refuses a longer packet, and for the receiver it is an error", () => {
  const [a, b] = pair(0);
  const largest = new Uint8Array(65_536).map((_, i) => i * 7);
  expect(a.send(largest)).toBe(true);
  expect(Buffer.compare(packet(b.receive()).data, largest)).toBe(0);
  expect(() => a.send(new Uint8Array(65_537))).toThrow(RangeError);
  const small = connection(0, 100);
  rawSend(small.peer, new Uint8Array(101));
  expect(() => small.socket.receive()).toThrow("the peer sent a packet of more than 100 bytes");
});

test("a packet that is too long closes all of its descriptors", () => {
  const { peer, socket } = connection(1, 100);
  const file = numberedFiles(1);
  withoutLeak(() => {
    rawSend(peer, new Uint8Array(101), controlMessage(ints(...file.map(({ number }) => number))));
    expect(() => socket.receive()).toThrow(/more than 100 bytes/);
  });
});

test("an unexpected control message ends the session, and its descriptors are closed", () => {
  const { peer, socket } = connection(20);
  const files = numberedFiles(2);
  const on = new Memory(4);
  on.view.setInt32(0, 1, true);
  const SO_PASSCRED = 16;
  expect(libc.setsockopt(socket.fd.number, SOL_SOCKET, SO_PASSCRED, on.address, 4)).toBe(0);
  withoutLeak(() => {
    rawSend(peer, Uint8Array.of(1), controlMessage(ints(...files.map(({ number }) => number))));
    expect(() => socket.receive()).toThrow("the peer sent a control message that is not SCM_RIGHTS");
  });
});

test("an empty packet cannot be sent, because it would be the end of file", () => {
  const [a] = pair(0);
  expect(() => a.send(new Uint8Array())).toThrow(RangeError);
});

test("a full queue returns false and sends no data; sending works again when there is room", async () => {
  const [a, b] = pair(1);
  const [file] = numberedFiles(1);
  if (file === undefined) throw new Error();
  let sent = 0;
  while (a.send(Uint8Array.of(sent & 0xff), [file])) sent++;
  expect(sent).toBeGreaterThan(1);
  for (let i = 0; i < sent; i++) {
    const { data, descriptors } = packet(b.receive());
    expect(data[0]).toBe(i & 0xff);
    for (const descriptor of descriptors) descriptor.close();
  }
  expect(b.receive()).toBe("again");
  await writable(a.fd, { timeoutMs: 10_000 });
  expect(a.send(Uint8Array.of(9))).toBe(true);
});

test("the end of file comes after all sent packets and is permanent", () => {
  const [a, b] = pair(1);
  a.send(Uint8Array.of(5), numberedFiles(1));
  a.close();
  expect(numbersOf(packet(b.receive()).descriptors)).toEqual([0]);
  expect(b.receive()).toBe("end");
  expect(b.receive()).toBe("end");
});

test("packets of a peer that died with unread packets still arrive (after ECONNRESET)", () => {
  const [a, b] = pair(1);
  b.send(Uint8Array.of(1));
  a.send(Uint8Array.of(7), numberedFiles(1));
  a.close();
  const { data, descriptors } = packet(b.receive());
  expect([...data]).toEqual([7]);
  expect(numbersOf(descriptors)).toEqual([0]);
  expect(b.receive()).toBe("end");
});

test("sending to a closed peer fails with EPIPE", () => {
  const [a, b] = pair(0);
  b.close();
  expect(() => a.send(Uint8Array.of(1))).toThrow(expect.objectContaining({ code: "SESSION", errno: "EPIPE" }));
});

test("sending to a peer that refuses descriptors fails (Linux 6.16)", () => {
  const [a, b] = pair(1);
  const files = numberedFiles(1);
  if (!refuseDescriptors(b.fd)) return;
  expect(() => a.send(Uint8Array.of(1), files)).toThrow(expect.objectContaining({ code: "SESSION", errno: "EPERM" }));
  expect(a.send(Uint8Array.of(1))).toBe(true);
  expect(packet(b.receive()).descriptors).toEqual([]);
});

test("a closed socket and a closed descriptor are errors, and never address another file", () => {
  const [a, b] = pair(1);
  const [file] = numberedFiles(1);
  if (file === undefined) throw new Error();
  file.close();
  expect(() => a.send(Uint8Array.of(1), [file])).toThrow(expect.objectContaining({ errno: "EBADF" }));
  expect(b.receive()).toBe("again");
  a.close();
  a.close();
  expect(() => a.receive()).toThrow(expect.objectContaining({ errno: "EBADF" }));
});

test("limits beyond those of the kernel are refused", () => {
  for (const maxDescriptors of [-1, 254, 1.5, Number.NaN]) {
    const [a, b] = socketpair();
    expect(() => new FdSocket(a, { maxDescriptors })).toThrow(RangeError);
    a.close();
    b.close();
  }
  const [a] = pair(0);
  const many = Array.from({ length: 254 }, () => OwnedFd.adopt(0));
  expect(() => a.send(Uint8Array.of(1), many)).toThrow(RangeError);
});

test("20,000 descriptors pass through one socket and all are closed", () => {
  const [a, b] = pair(1);
  const files = numberedFiles(1);
  withoutLeak(() => {
    for (let i = 0; i < 20_000; i++) {
      a.send(Uint8Array.of(1), files);
      for (const descriptor of packet(b.receive()).descriptors) descriptor.close();
    }
  });
});

test("a receiver at its limit of open files gets an error, keeps no descriptor, and works again when there is room", async () => {
  const { status, stdout, stderr } = await runScript(`
    import { openSync, closeSync, readdirSync } from "node:fs";
    import { FdSocket, socketpair } from "./sockets/fd-socket.ts";
    import { OwnedFd } from "./owned-fd.ts";
    const [a, b] = socketpair();
    const sender = new FdSocket(a, { maxDescriptors: 0 }), receiver = new FdSocket(b, { maxDescriptors: 5 });
    const file = OwnedFd.adopt(openSync("/dev/null", "r"));
    const five = [file, file, file, file, file];
    sender.send(Uint8Array.of(1), five);
    sender.send(Uint8Array.of(2), five);
    const filling = [];
    try { for (;;) filling.push(openSync("/dev/null", "r")); } catch (error) { if (error.code !== "EMFILE") throw error; }
    for (let i = 0; i < 2; i++) closeSync(filling.pop());
    let failure;
    try { receiver.receive(); } catch ({ message, errno }) { failure = { message, errno }; }
    // There is room for exactly two descriptors again: those installed of the five were closed.
    const room = [];
    try { for (;;) room.push(openSync("/dev/null", "r")); } catch {}
    for (const fd of [...filling, ...room]) closeSync(fd);
    const { data, descriptors } = receiver.receive();
    console.log(JSON.stringify({ failure, room: room.length, data: [...data], arrived: descriptors.length }));
  `);
  expect(stderr).toBe("");
  expect(status).toBe(0);
  expect(JSON.parse(stdout.toString())).toEqual({
    // The error does not blame the peer, unlike EPROTO.
    failure: { message: expect.stringContaining("too many open files"), errno: "EMFILE" },
    room: 2,
    data: [2],
    arrived: 5,
  });
});

test("no received descriptor leaks into a child process", async () => {
  const { stdout, stderr } = await runScript(`
    import { execFileSync } from "node:child_process";
    import { openSync } from "node:fs";
    import { FdSocket, socketpair } from "./sockets/fd-socket.ts";
    import { OwnedFd } from "./owned-fd.ts";
    import { Reactor } from "./poll.ts";
    const [a, b] = socketpair();
    const sender = new FdSocket(a, { maxDescriptors: 0 }), receiver = new FdSocket(b, { maxDescriptors: 1 });
    sender.send(Uint8Array.of(1), [OwnedFd.adopt(openSync("/dev/full", "r"))]);
    const { descriptors } = receiver.receive();
    Reactor.shared();
    const copy = descriptors[0].duplicate();
    process.stdout.write(execFileSync("/bin/sh", ["-c", "ls -l /proc/self/fd"], { stdio: ["ignore", "pipe", "ignore"] }));
  `);
  expect(stderr).toBe("");
  expect(stdout.toString()).toContain("/dev/null");
  expect(stdout.toString()).not.toMatch(/ (?:[3-9]|\d\d+) -> (?:\/dev\/full|socket:|anon_inode:)/);
});
