import {
  MSG_CMSG_CLOEXEC,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SCM_RIGHTS,
  SOL_SOCKET,
} from "../../src/descriptors/constants.ts";
import { errnoName } from "../../src/descriptors/errno.ts";
import { errno, libc } from "../../src/descriptors/libc.ts";
import type { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import { SocketMessage } from "../../src/descriptors/sockets/socket-message.ts";

// sendmsg and recvmsg as a hostile or faulty program may use them: any control bytes, any control
// length.

export const CMSG_LEN = (bytes: number): number => 16 + bytes;
export const CMSG_SPACE = (bytes: number): number => 16 + Math.ceil(bytes / 8) * 8;

/**
 * Encodes one control message with its padding. `length` sets a cmsg_len that differs from the
 * payload's.
 */
export function controlMessage(
  payload: Uint8Array,
  { level = SOL_SOCKET, type = SCM_RIGHTS, length = CMSG_LEN(payload.length) } = {},
): Uint8Array {
  const bytes = new Uint8Array(CMSG_SPACE(payload.length));
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(length), true);
  view.setInt32(8, level, true);
  view.setInt32(12, type, true);
  bytes.set(payload, 16);
  return bytes;
}

/** Returns the payload of SCM_RIGHTS for these descriptor numbers. */
export function ints(...numbers: number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(numbers).buffer);
}

/** Returns the bytes sent, or the errno's name. */
export function rawSend(socket: OwnedFd, data: Uint8Array, control: Uint8Array = new Uint8Array()): number | string {
  const message = new SocketMessage(data.length, control.length);
  message.data.set(data);
  for (const [index, byte] of control.entries()) message.control.setUint8(index, byte);
  message.arm(data.length, control.length);
  const sent = libc.sendmsg(socket.number, message.address, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent < 0 ? errnoName(errno()) : sent;
}

export interface RawMessage {
  size: number;
  flags: number;
  control: Uint8Array<ArrayBuffer>;
}

/**
 * Receives with a control buffer of exactly `controlLength` bytes. The caller closes received
 * descriptors.
 */
export function rawReceive(socket: OwnedFd, controlLength: number): RawMessage {
  const message = new SocketMessage(1024, controlLength);
  message.arm(1024, controlLength);
  const size = libc.recvmsg(socket.number, message.address, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size < 0) throw new Error(`recvmsg: ${errnoName(errno())}`);
  const { buffer, byteOffset } = message.control;
  return {
    size,
    flags: message.flags,
    control: new Uint8Array(buffer.slice(byteOffset, byteOffset + message.controlLength)),
  };
}
