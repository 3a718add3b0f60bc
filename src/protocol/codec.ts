import { PortholeError } from "../errors.ts";
import { Header, MAX_PACKET, MAX_PATH, Op, REPLY, VERSION } from "./messages.ts";

/** A packet's header and body. `body` is a view into the packet. */
export interface Message {
  type: number;
  descriptors: number;
  id: number;
  /** Raw errno, 0 for success. */
  error: number;
  body: Uint8Array;
}

/**
 * Decodes one packet and checks what its header promises against what arrived.
 * @throws PortholeError SESSION when length or count differ, or the errno is out of range.
 */
export function decodeMessage(packet: Uint8Array, descriptorsArrived: number): Message {
  if (packet.length < Header.size) throw broken(`a packet of ${packet.length} bytes, shorter than a header`);
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const message: Message = {
    type: view.getUint16(Header.type, true),
    descriptors: view.getUint16(Header.descriptors, true),
    id: view.getUint32(Header.id, true),
    error: view.getInt32(Header.error, true),
    body: packet.subarray(Header.size),
  };
  const length = view.getUint32(Header.length, true);
  if (length !== message.body.length) throw broken(`a header for ${length} bytes with ${message.body.length} after it`);
  if (message.descriptors !== descriptorsArrived) {
    throw broken(`${descriptorsArrived} descriptors where its header says ${message.descriptors}`);
  }
  if (message.error < 0 || message.error > 4095) throw broken(`errno ${message.error}`);
  return message;
}

/** Encodes a packet from its parts. */
export function encodeMessage(type: number, id: number, body: Uint8Array, descriptors = 0, error = 0): Uint8Array {
  if (Header.size + body.length > MAX_PACKET)
    throw new RangeError(`a body of ${body.length} bytes does not fit a packet`);
  const packet = new Uint8Array(Header.size + body.length);
  const view = new DataView(packet.buffer);
  view.setUint16(Header.type, type, true);
  view.setUint16(Header.descriptors, descriptors, true);
  view.setUint32(Header.id, id, true);
  view.setInt32(Header.error, error, true);
  view.setUint32(Header.length, body.length, true);
  packet.set(body, Header.size);
  return packet;
}

/** True when `message` answers a request of number `op`. */
export function isReplyTo(message: Message, op: Op): boolean {
  return message.type === (op | REPLY);
}

const empty = new Uint8Array(0);

/** Bodies of the requests, one function each; fields as in docs/protocol.md. */
export const encode = {
  hello: (): Uint8Array => words([VERSION]),
  open: (flags: number, offset: bigint, path: Uint8Array): Uint8Array => withPath([u32(flags), u64(offset)], path),
  stat: (flags: number, path: Uint8Array): Uint8Array => withPath([u32(flags)], path),
  readlink: (path: Uint8Array): Uint8Array => withPath([], path),
  list: (flags: number, path: Uint8Array): Uint8Array => withPath([u32(flags)], path),
  watch: (flags: number, mask: number, watch: number, path: Uint8Array | undefined): Uint8Array => {
    const numbers = [u32(flags), u32(mask), u32(watch >>> 0)];
    return path === undefined ? Buffer.concat(numbers) : withPath(numbers, path);
  },
  processes: (flags: number): Uint8Array => words([flags]),
  openProcessFd: (flags: number, pid: number, fd: number, offset: bigint): Uint8Array =>
    Buffer.concat([words([flags, pid, fd]), u64(offset)]),
  mounts: (): Uint8Array => empty,
  bye: (scope: number): Uint8Array => words([scope]),
};

/** The packet that hands the listening socket over: `SERVE` with its one descriptor. */
export function encodeServe(): Uint8Array {
  return encodeMessage(Op.serve, 0, words([VERSION]), 1);
}

function withPath(numbers: Buffer[], path: Uint8Array): Uint8Array {
  checkPath(path);
  const length = Buffer.allocUnsafe(2);
  length.writeUInt16LE(path.length);
  return Buffer.concat([...numbers, length, path]);
}

/**
 * @throws PortholeError FILE with the errno that the kernel gives such a path: ENOENT for an empty one, ENAMETOOLONG above
 * 4095 bytes, EINVAL for a NUL byte.
 */
function checkPath(path: Uint8Array): void {
  if (path.length === 0) throw new PortholeError("FILE", "an empty path", { errno: "ENOENT" });
  if (path.length > MAX_PATH) {
    throw new PortholeError("FILE", `a path of ${path.length} bytes: File name too long (the limit is ${MAX_PATH})`, {
      errno: "ENAMETOOLONG",
    });
  }
  if (path.includes(0)) throw new PortholeError("FILE", "a path with a NUL byte", { errno: "EINVAL" });
}

function u32(value: number): Buffer {
  return words([value]);
}

function words(values: number[]): Buffer {
  const buffer = Buffer.allocUnsafe(4 * values.length);
  values.forEach((value, index) => {
    buffer.writeUInt32LE(value, 4 * index);
  });
  return buffer;
}

function u64(value: bigint): Buffer {
  const buffer = Buffer.allocUnsafe(8);
  buffer.writeBigUInt64LE(value);
  return buffer;
}

function broken(what: string): PortholeError {
  return new PortholeError("SESSION", `the agent broke the protocol: it sent ${what}`);
}
