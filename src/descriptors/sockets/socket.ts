import { chmodSync } from "node:fs";
import { type ErrorCode, PortholeError } from "../../errors.ts";
import {
  AF_UNIX,
  SHUT_WR,
  SO_PASSRIGHTS,
  SO_PEERCRED,
  SO_PEERPIDFD,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
} from "../constants.ts";
import { Errno, systemError } from "../errno.ts";
import { setNonBlocking } from "../files/file.ts";
import { errno, libc, Memory } from "../libc.ts";
import { OwnedFd } from "../owned-fd.ts";

/** sizeof sun_path including the final NUL (unix(7)). */
const SUN_PATH = 108;

/**
 * A connected pair of AF_UNIX SOCK_SEQPACKET sockets, blocking, close-on-exec. The caller closes
 * both.
 */
export function socketpair(): [OwnedFd, OwnedFd] {
  return pairOf(SOCK_SEQPACKET);
}

/** Like {@link socketpair}, of SOCK_STREAM sockets. The first one does not block. */
export function streamPair(): [OwnedFd, OwnedFd] {
  const pair = pairOf(SOCK_STREAM);
  setNonBlocking(pair[0], true);
  return pair;
}

/** The peer reads the end of the stream; this side can still read (shutdown(2)). */
export function endStream(socket: OwnedFd): void {
  if (libc.shutdown(socket.number, SHUT_WR) < 0) throw failed("cannot end the stream");
}

function pairOf(type: number): [OwnedFd, OwnedFd] {
  const pair = new Memory(8);
  if (libc.socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair.address) < 0) throw failed("socketpair");
  return [OwnedFd.adopt(pair.view.getInt32(0, true)), OwnedFd.adopt(pair.view.getInt32(4, true))];
}

/**
 * A listening, non-blocking, close-on-exec socket bound to `name` in `directory` (an O_PATH
 * descriptor works). The path has exactly `mode` whatever the umask, and never more permissions.
 * Between bind and listen a client gets ECONNREFUSED. Throws EADDRINUSE for an existing path. The
 * caller unlinks a stale path, and unlinks the path after closing.
 */
export function listenAt(directory: OwnedFd, name: string, mode: number, backlog = 128): OwnedFd {
  const path = pathThrough(directory, name);
  const address = socketAddress(path, name);
  const socket = unixSocket();
  try {
    // bind gives the path the socket inode's mode less the umask (net/unix/af_unix.c): so it is
    // narrowed first and widened afterwards.
    if (libc.fchmod(socket.number, mode) < 0) throw failed(`fchmod of the socket for ${name}`);
    if (libc.bind(socket.number, address.address, address.bytes.length) < 0)
      throw failed(`cannot bind ${name}`, "ATTACH");
    chmodSync(path, mode);
    if (libc.listen(socket.number, backlog) < 0) throw failed(`cannot listen on ${name}`, "ATTACH");
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/**
 * A non-blocking, close-on-exec socket connected to `name` in `directory`. Throws ATTACH: ENOENT,
 * ECONNREFUSED (no listener), EAGAIN (the listener's queue is full), EPROTOTYPE (not
 * SOCK_SEQPACKET).
 */
export function connectAt(directory: OwnedFd, name: string): OwnedFd {
  return connectTo(directory, name, SOCK_SEQPACKET);
}

/** Like {@link connectAt} for a SOCK_STREAM listener, such as a container engine's. */
export function connectStreamAt(directory: OwnedFd, name: string): OwnedFd {
  return connectTo(directory, name, SOCK_STREAM);
}

function connectTo(directory: OwnedFd, name: string, type: number): OwnedFd {
  const address = socketAddress(pathThrough(directory, name), name);
  const socket = unixSocket(type);
  while (libc.connect(socket.number, address.address, address.bytes.length) < 0) {
    const error = errno();
    if (error === Errno.EINTR) continue;
    socket.close();
    throw systemError("ATTACH", `cannot connect to ${name}`, error);
  }
  return socket;
}

/**
 * The next pending connection, non-blocking and close-on-exec; undefined if there is none. The
 * caller closes it.
 */
export function acceptFrom(listener: OwnedFd): OwnedFd | undefined {
  for (;;) {
    const fd = libc.accept4(listener.number, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) return OwnedFd.adopt(fd);
    const error = errno();
    if (error === Errno.EAGAIN) return undefined;
    if (error !== Errno.EINTR && error !== Errno.ECONNABORTED) throw systemError("ATTACH", "cannot accept", error);
  }
}

/**
 * The peer as this process's PID and user namespaces see it (SO_PEERCRED). For an accepted socket
 * it is the process that called connect(). For a connected one it is the process that called
 * listen(), which may have ended. pid is 0 if the process has no number in this namespace.
 */
export function peerCredentials(socket: OwnedFd): { pid: number; uid: number; gid: number } {
  const value = getOption(socket, SO_PEERCRED, 12);
  if (typeof value === "number") throw systemError("SESSION", "cannot read the peer's credentials", value);
  return { pid: value.getInt32(0, true), uid: value.getUint32(4, true), gid: value.getUint32(8, true) };
}

/** A close-on-exec pidfd of the peer; undefined before Linux 6.5. The caller closes it. */
export function peerPidfd(socket: OwnedFd): OwnedFd | undefined {
  const value = getOption(socket, SO_PEERPIDFD, 4);
  if (value === Errno.ENOPROTOOPT) return undefined;
  if (typeof value === "number") throw systemError("SESSION", "cannot get the peer's pidfd", value);
  return OwnedFd.adopt(value.getInt32(0, true));
}

/**
 * Makes later attempts of the peer to pass a descriptor fail with EPERM (SO_PASSRIGHTS). Queued
 * descriptors still arrive. False before Linux 6.16: then only the exact counts of FdSocket protect
 * this process.
 */
export function refuseDescriptors(socket: OwnedFd): boolean {
  const off = new Memory(4);
  if (libc.setsockopt(socket.number, SOL_SOCKET, SO_PASSRIGHTS, off.address, 4) === 0) return true;
  const error = errno();
  if (error === Errno.ENOPROTOOPT || error === Errno.ENOTSUP) return false;
  throw systemError("SESSION", "cannot refuse descriptors", error);
}

/** Returns the value of a SOL_SOCKET option, or the errno. */
function getOption(socket: OwnedFd, option: number, size: number): DataView | number {
  const memory = new Memory(size + 4);
  memory.view.setUint32(size, size, true);
  const result = libc.getsockopt(socket.number, SOL_SOCKET, option, memory.address, memory.address + size);
  return result < 0 ? errno() : memory.view;
}

function unixSocket(type = SOCK_SEQPACKET): OwnedFd {
  const fd = libc.socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw failed("cannot create a socket");
  return OwnedFd.adopt(fd);
}

/** A path through the descriptor is short at any depth, and the directory cannot be swapped. */
function pathThrough(directory: OwnedFd, name: string): string {
  if (name === "" || name === "." || name === ".." || name.includes("/") || name.includes("\0"))
    throw new PortholeError("USAGE", `invalid socket name: ${JSON.stringify(name)}`);
  return `/proc/self/fd/${directory.number}/${name}`;
}

/** struct sockaddr_un, as long as the path and its NUL. */
function socketAddress(path: string, name: string): Memory {
  const bytes = new TextEncoder().encode(path);
  if (bytes.length >= SUN_PATH)
    throw new PortholeError("USAGE", `socket name too long: ${name}`, { errno: "ENAMETOOLONG" });
  const memory = new Memory(2 + bytes.length + 1);
  memory.view.setUint16(0, AF_UNIX, true);
  memory.bytes.set(bytes, 2);
  return memory;
}

/**
 * Returns the error for the call that has just failed. The expression for `what` must not make
 * other calls.
 */
function failed(what: string, code: ErrorCode = "SESSION"): PortholeError {
  return systemError(code, what, errno());
}
