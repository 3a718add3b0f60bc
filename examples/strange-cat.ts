// A strange cat: it never opens the file that it prints. A child process opens it and passes the
// open descriptor over a Unix socket.
//
//     node build/examples/strange-cat.mjs /etc/hostname
//
// The minimal program with the main idea of porthole. It checks every field of the control message;
// FdSocket does the same and more.

import { spawn } from "node:child_process";
import { constants, writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { copyToFd, dieBySignal, pumpToFd } from "../src/descriptors/bytes/transfer.ts";
import { MSG_CMSG_CLOEXEC, SCM_RIGHTS, SOL_SOCKET } from "../src/descriptors/constants.ts";
import { systemError } from "../src/descriptors/errno.ts";
import { openPath } from "../src/descriptors/files/file.ts";
import { statx } from "../src/descriptors/files/statx.ts";
import { errno, libc } from "../src/descriptors/libc.ts";
import { OwnedFd } from "../src/descriptors/owned-fd.ts";
import { readable } from "../src/descriptors/poll.ts";
import { ControlHeader, controlLength } from "../src/descriptors/sockets/control.ts";
import { FdSocket, socketpair } from "../src/descriptors/sockets/fd-socket.ts";
import { SocketMessage } from "../src/descriptors/sockets/socket-message.ts";
import { PortholeError } from "../src/errors.ts";

const self = fileURLToPath(import.meta.url);
/** The child's end of the socket pair. */
const CHILD_SOCKET = 3;

/** The child's message: the opened name, and the descriptor, which the caller closes. */
export interface Received {
  name: string;
  descriptor: OwnedFd;
}

/** How the child ended. */
export interface ChildEnd {
  status: number | null;
  signal: NodeJS.Signals | null;
}

/**
 * Reads one descriptor from the control messages of recvmsg. Throws SESSION with a specific message
 * for each error: no control message, its level, its type, its length, the descriptor itself.
 */
export function checkControlMessage(control: Uint8Array): number {
  if (control.length < ControlHeader.size) throw bad("the control message is null");
  const view = new DataView(control.buffer, control.byteOffset, control.length);
  const level = view.getInt32(ControlHeader.level, true);
  if (level !== SOL_SOCKET) throw bad(`the control message's level is ${level}, not SOL_SOCKET (${SOL_SOCKET})`);
  const type = view.getInt32(ControlHeader.type, true);
  if (type !== SCM_RIGHTS) throw bad(`the control message's type is ${type}, not SCM_RIGHTS (${SCM_RIGHTS})`);
  const length = view.getBigUint64(0, true);
  if (length !== BigInt(controlLength(1)) || control.length < controlLength(1))
    throw bad(`the control message's length is ${length}, not that of one descriptor (${controlLength(1)})`);
  const descriptor = view.getInt32(ControlHeader.size, true);
  if (descriptor < 0) throw bad(`the descriptor is ${descriptor}`);
  return descriptor;
}

/**
 * Receives one packet from the child. Returns undefined if the child closed its end without
 * sending.
 */
export async function receiveFile(socket: OwnedFd): Promise<Received | undefined> {
  await readable(socket);
  const message = new SocketMessage(4096, controlLength(1));
  message.arm(message.data.length, controlLength(1));
  const size = libc.recvmsg(socket.number, message.address, MSG_CMSG_CLOEXEC);
  if (size < 0) throw systemError("SESSION", "recvmsg", errno());
  if (size === 0) return undefined;
  const { buffer, byteOffset } = message.control;
  const descriptor = checkControlMessage(new Uint8Array(buffer, byteOffset, message.controlLength));
  return { name: new TextDecoder().decode(message.data.subarray(0, size)), descriptor: OwnedFd.adopt(descriptor) };
}

/** Returns the error message for a child that failed; undefined on success. */
export function childFailure({ status, signal }: ChildEnd): string | undefined {
  if (signal !== null) return `the child was killed by ${signal}`;
  if (status !== 0) return `the child failed with status ${status}`;
  return undefined;
}

/**
 * Runs in the child: opens the file and sends the descriptor, with the name as the data of the
 * packet.
 */
function send(name: string): void {
  const socket = new FdSocket(OwnedFd.adopt(CHILD_SOCKET), { maxDescriptors: 0 });
  const file = openPath(name, constants.O_RDONLY);
  socket.send(new TextEncoder().encode(name), [file]);
  file.close();
  socket.close();
}

/** Runs in the parent: starts the child, receives, prints, reaps. Returns the exit status. */
async function cat(name: string): Promise<number> {
  const [mine, childs] = socketpair();
  const child = spawn(process.execPath, [self, "--send", name], {
    stdio: ["ignore", "ignore", "inherit", childs.number],
  });
  // Only the child may keep its end open: otherwise the parent would not detect that the child
  // closed it.
  childs.close();
  const end = new Promise<ChildEnd>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (status, signal) => resolve({ status, signal }));
  });
  try {
    const received = await receiveFile(mine);
    if (received !== undefined) await print(received);
  } finally {
    mine.close();
  }
  const failure = childFailure(await end);
  if (failure === undefined) return 0;
  complain(failure);
  return 1;
}

async function print({ name, descriptor }: Received): Promise<void> {
  try {
    writeSync(1, `Got file descriptor for '${name}'\nThe file descriptor is ${descriptor.number}\n`);
    const regular = (statx(descriptor).mode & constants.S_IFMT) === constants.S_IFREG;
    if (regular) copyToFd(descriptor, 1);
    else await pumpToFd(descriptor, 1);
  } finally {
    descriptor.close();
  }
}

function bad(what: string): PortholeError {
  return new PortholeError("SESSION", what, { errno: "EPROTO" });
}

function complain(what: string): void {
  process.stderr.write(`strange-cat: ${what}\n`);
}

/** Checks errors of porthole's calls and of Node's. */
function isBrokenPipe(error: Error): boolean {
  return ("errno" in error && error.errno === "EPIPE") || ("code" in error && error.code === "EPIPE");
}

async function main([first, second]: string[]): Promise<number> {
  try {
    if (first === "--send" && second !== undefined) {
      send(second);
      return 0;
    }
    if (first !== undefined && second === undefined) return await cat(first);
    complain("usage: strange-cat FILE");
    return 2;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // The reader of our output has closed the pipe (`| head`): end by SIGPIPE, as cat(1) does.
    if (isBrokenPipe(error)) dieBySignal("SIGPIPE");
    complain(error.message);
    return 1;
  }
}

if (process.argv[1] === self) process.exitCode = await main(process.argv.slice(2));
