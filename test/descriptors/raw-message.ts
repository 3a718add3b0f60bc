import { errnoName } from "../../src/descriptors/errno.ts";
import { errno, libc, Memory } from "../../src/descriptors/libc.ts";
import type { OwnedFd } from "../../src/descriptors/owned-fd.ts";

// sendmsg and recvmsg as a hostile or careless program calls them: any control bytes, any control length.

export const SOL_SOCKET = 1;
export const SCM_RIGHTS = 1;
export const CMSG_LEN = (bytes: number): number => 16 + bytes;
export const CMSG_SPACE = (bytes: number): number => 16 + Math.ceil(bytes / 8) * 8;

/** One control message with its padding; `length` states another cmsg_len than the payload's. */
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

/** Descriptor numbers as SCM_RIGHTS carries them. */
export function ints(...numbers: number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(numbers).buffer);
}

/** Returns the bytes sent, or the errno's name. */
export function rawSend(socket: OwnedFd, data: Uint8Array, control: Uint8Array = new Uint8Array()): number | string {
  const message = layOut(data.length, control.length);
  message.memory.bytes.set(data, message.data);
  message.memory.bytes.set(control, message.control);
  const sent = libc.sendmsg(socket.number, message.memory.address, 0x4040);
  return sent < 0 ? errnoName(errno()) : sent;
}

export interface RawMessage {
  size: number;
  flags: number;
  control: Uint8Array<ArrayBuffer>;
}

/** Receives with a control buffer of exactly `controlLength` bytes. The caller closes what came. */
export function rawReceive(socket: OwnedFd, controlLength: number): RawMessage {
  const { memory, control } = layOut(1024, controlLength);
  const size = libc.recvmsg(socket.number, memory.address, 0x4000_0040);
  if (size < 0) throw new Error(`recvmsg: ${errnoName(errno())}`);
  return {
    size,
    flags: memory.view.getInt32(48, true),
    control: memory.bytes.slice(control, control + memory.view.getUint32(40, true)),
  };
}

function layOut(dataLength: number, controlLength: number): { memory: Memory; data: number; control: number } {
  const control = 72;
  const data = control + controlLength;
  const memory = new Memory(data + dataLength + 8);
  memory.setPointer(16, memory.address + 56);
  memory.setPointer(24, 1);
  memory.setPointer(32, controlLength === 0 ? 0 : memory.address + control);
  memory.setPointer(40, controlLength);
  memory.setPointer(56, memory.address + data);
  memory.setPointer(64, dataLength);
  return { memory, data, control };
}
