import { mkdirSync, readFileSync, renameSync, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { openDirectory } from "../../src/descriptors/files/file.ts";
import { readable } from "../../src/descriptors/poll.ts";
import {
  acceptFrom,
  connectAt,
  FdSocket,
  listenAt,
  peerCredentials,
  peerPidfd,
  socketpair,
} from "../../src/descriptors/sockets/fd-socket.ts";
import { owned, packet, temporaryDirectory, withoutLeak } from "./fixtures.ts";

const umask = process.umask();
afterEach(() => {
  process.umask(umask);
});

test("listen, connect and accept give sockets that exchange packets", async () => {
  const directory = owned(openDirectory(temporaryDirectory()));
  const listener = owned(listenAt(directory, "agent.sock", 0o600));
  expect(acceptFrom(listener)).toBeUndefined();
  const client = owned(new FdSocket(connectAt(directory, "agent.sock"), { maxDescriptors: 0 }));
  await readable(listener, { timeoutMs: 10_000 });
  const accepted = acceptFrom(listener);
  if (accepted === undefined) throw new Error("no client connected");
  const server = owned(new FdSocket(accepted, { maxDescriptors: 0 }));
  expect(acceptFrom(listener)).toBeUndefined();
  expect(peerCredentials(server.fd)).toEqual({ pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() });
  client.send(Uint8Array.of(1, 2));
  expect([...packet(server.receive()).data]).toEqual([1, 2]);
});

test.each([
  [0o600, 0],
  [0o600, 0o77],
  [0o666, 0o22],
  [0o666, 0o777],
  [0o711, 0o27],
])("the path has exactly mode %o under umask %o", (mode, mask) => {
  const path = temporaryDirectory();
  const directory = owned(openDirectory(path));
  process.umask(mask);
  owned(listenAt(directory, "a", mode));
  expect(statSync(join(path, "a")).mode & 0o7777).toBe(mode);
});

test("a socket can be in a directory far deeper than the 108 bytes of sun_path", () => {
  const path = join(temporaryDirectory(), "d".repeat(200), "e".repeat(200));
  mkdirSync(path, { recursive: true });
  const directory = owned(openDirectory(path));
  owned(listenAt(directory, "agent.sock", 0o600));
  owned(connectAt(directory, "agent.sock"));
});

test("the longest name that fits in sun_path through /proc/self/fd works, and one byte more is refused", () => {
  const directory = owned(openDirectory(temporaryDirectory()));
  const longest = 107 - `/proc/self/fd/${directory.number}/`.length;
  owned(listenAt(directory, "n".repeat(longest), 0o600));
  owned(connectAt(directory, "n".repeat(longest)));
  withoutLeak(() => {
    for (const act of [
      () => listenAt(directory, "n".repeat(longest + 1), 0o600),
      () => connectAt(directory, "é".repeat(60)),
    ])
      expect(act).toThrow(expect.objectContaining({ code: "USAGE", errno: "ENAMETOOLONG" }));
  });
});

test.each(["", ".", "..", "a/b", "/etc/x", "a\0b"])("%j is not a valid socket name", (name) => {
  const directory = owned(openDirectory(temporaryDirectory()));
  expect(() => listenAt(directory, name, 0o600)).toThrow(expect.objectContaining({ code: "USAGE" }));
});

test("the opened directory is used, even after a rename", () => {
  const path = join(temporaryDirectory(), "run");
  mkdirSync(path);
  const directory = owned(openDirectory(path));
  renameSync(path, `${path}-moved`);
  mkdirSync(path);
  owned(listenAt(directory, "a", 0o600));
  expect(statSync(`${path}-moved/a`).isSocket()).toBe(true);
});

test("an existing file is EADDRINUSE", () => {
  const path = temporaryDirectory();
  const directory = owned(openDirectory(path));
  const attach = (errno: string) => expect.objectContaining({ code: "ATTACH", errno });
  withoutLeak(() => {
    expect(() => connectAt(directory, "none")).toThrow(attach("ENOENT"));
    listenAt(directory, "dead", 0o600).close();
    expect(() => connectAt(directory, "dead")).toThrow(attach("ECONNREFUSED"));
    expect(() => listenAt(directory, "dead", 0o600)).toThrow(attach("EADDRINUSE"));
    unlinkSync(join(path, "dead"));
    listenAt(directory, "dead", 0o600).close();
  });
});

test("a listener that does not accept is EAGAIN, not a hang", () => {
  const directory = owned(openDirectory(temporaryDirectory()));
  owned(listenAt(directory, "a", 0o600, 1));
  expect(() => {
    for (let i = 0; i < 10; i++) owned(connectAt(directory, "a"));
  }).toThrow(expect.objectContaining({ code: "ATTACH", errno: "EAGAIN" }));
});

test("the peer's pidfd refers to the peer's process", () => {
  const [a, b] = socketpair().map(owned);
  if (a === undefined || b === undefined) throw new Error();
  const pidfd = peerPidfd(a);
  if (pidfd === undefined) return; // The kernel is older than Linux 6.5.
  owned(pidfd);
  expect(readFileSync(`/proc/self/fdinfo/${pidfd.number}`, "utf8")).toMatch(new RegExp(`^Pid:\\s${process.pid}$`, "m"));
});

test("credentials of a file that is not a socket are an error", () => {
  const directory = owned(openDirectory(temporaryDirectory()));
  expect(() => peerCredentials(directory)).toThrow(expect.objectContaining({ code: "SESSION", errno: "EBADF" }));
});
