import { PortholeError } from "../errors.ts";
import { Header, MAX_PACKET, MAX_PATH, Op, REPLY, ServeFlag, VERSION } from "./messages.ts";
import { violation } from "./violation.ts";

/** A packet's header and body. `body` is a view into the packet. */
export interface Message {
  type: number;
  descriptors: number;
  id: number;
  /** errno, 0 for success. */
  error: number;
  body: Uint8Array;
}

/**
 * Decodes one packet and checks its header against the packet's length and descriptors.
 * @throws PortholeError SESSION when length or count differ, or the errno is out of range
 */
export function decodeMessage(packet: Uint8Array, descriptorsArrived: number): Message {
  if (packet.length < Header.size) throw violation(`a packet of ${packet.length} bytes without a full header`);
  const message: Message = {
    type: u16At(packet, Header.type),
    descriptors: u16At(packet, Header.descriptors),
    id: i32At(packet, Header.id) >>> 0,
    error: i32At(packet, Header.error),
    body: packet.subarray(Header.size),
  };
  const length = i32At(packet, Header.length) >>> 0;
  if (length !== message.body.length)
    throw violation(`a header for ${length} bytes with ${message.body.length} after it`);
  if (message.descriptors !== descriptorsArrived) {
    throw violation(`${descriptorsArrived} descriptors instead of ${message.descriptors}`);
  }
  if (message.error < 0 || message.error > 4095) throw violation(`errno ${message.error}`);
  return message;
}

// Reading bytes costs less than a DataView for each packet.
function u16At(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}

function i32At(bytes: Uint8Array, at: number): number {
  return u16At(bytes, at) | (u16At(bytes, at + 2) << 16);
}

export function encodeMessage(type: number, id: number, body: Uint8Array, descriptors = 0, error = 0): Uint8Array {
  if (Header.size + body.length > MAX_PACKET)
    throw new RangeError(`a body of ${body.length} bytes does not fit a packet`);
  const packet = Buffer.allocUnsafe(Header.size + body.length);
  encodeMessageInto(packet, type, id, body, descriptors, error);
  return packet;
}

/**
 * Writes a packet to the start of `into`, which has {@link MAX_PACKET} bytes. Returns its length.
 */
export function encodeMessageInto(
  into: Uint8Array,
  type: number,
  id: number,
  body: Uint8Array,
  descriptors = 0,
  error = 0,
): number {
  put16(into, Header.type, type);
  put16(into, Header.descriptors, descriptors);
  put32(into, Header.id, id);
  put32(into, Header.error, error);
  put32(into, Header.length, body.length);
  into.set(body, Header.size);
  return Header.size + body.length;
}

function put16(into: Uint8Array, at: number, value: number): void {
  into[at] = value;
  into[at + 1] = value >>> 8;
}

function put32(into: Uint8Array, at: number, value: number): void {
  put16(into, at, value);
  put16(into, at + 2, value >>> 16);
}

const empty = new Uint8Array(0);

/** Bodies of the requests; fields as in docs/protocol.md. */
export const encode = {
  hello: (version = VERSION): Uint8Array => u32(version),
  open: (flags: number, offset: bigint, path: Uint8Array): Uint8Array => {
    const body = withPath(12, path);
    put32(body, 0, flags);
    // Most are 0, and arithmetic of BigInt costs 0.1 us.
    if (offset === 0n) {
      put32(body, 4, 0);
      put32(body, 8, 0);
    } else body.writeBigUInt64LE(offset, 4);
    return body;
  },
  stat: flagsAndPath,
  layer: flagsAndPath,
  readlink: (path: Uint8Array): Uint8Array => withPath(0, path),
  list: flagsAndPath,
  watch: (flags: number, mask: number, watch: number, path: Uint8Array | undefined): Uint8Array => {
    const body = path === undefined ? Buffer.allocUnsafe(12) : withPath(12, path);
    body.writeUInt32LE(flags);
    body.writeUInt32LE(mask, 4);
    body.writeInt32LE(watch, 8);
    return body;
  },
  processes: (flags: number): Uint8Array => u32(flags),
  openProcessFd: (flags: number, pid: number, fd: number, offset: bigint): Uint8Array => {
    const body = Buffer.allocUnsafe(20);
    body.writeUInt32LE(flags);
    body.writeUInt32LE(pid, 4);
    body.writeUInt32LE(fd, 8);
    body.writeBigUInt64LE(offset, 12);
    return body;
  },
  mounts: (): Uint8Array => empty,
  bye: (scope: number): Uint8Array => u32(scope),
  relayEnd: (id: number): Uint8Array => u32(id),
  openMany: (directory: Uint8Array, names: readonly Uint8Array[]): Uint8Array =>
    Buffer.concat([directory, ...names].map((path) => withPath(0, path))),
};

/**
 * The `SERVE` packet, which passes the listening socket as its one descriptor. With `witness` a
 * second packet follows, with a descriptor that ends the agent when it becomes readable.
 */
export function encodeServe({ witness = false } = {}): Uint8Array {
  return encodeMessage(Op.serve, 0, u32(VERSION | (witness ? ServeFlag.witness << 16 : 0)), 1);
}

/** The packet that requests one tree instead of sending SERVE. `flags`: bits of `TreeFlag`. */
export function encodeTree(flags: number): Uint8Array {
  return encodeMessage(Op.tree, TREE_ID, u32(VERSION | (flags << 16)));
}

/** True for the reply to {@link encodeTree}, which carries the tree's descriptor. */
export function isTree({ type, id, error, descriptors, body }: Message): boolean {
  return type === (Op.tree | REPLY) && id === TREE_ID && error === 0 && descriptors === 1 && body.length === 0;
}

const TREE_ID = 1;

function flagsAndPath(flags: number, path: Uint8Array): Uint8Array {
  const body = withPath(4, path);
  put32(body, 0, flags);
  return body;
}

/** Reserves `before` bytes, then writes the path's length and the path. */
function withPath(before: number, path: Uint8Array): Buffer {
  checkPath(path);
  const body = Buffer.allocUnsafe(before + 2 + path.length);
  put16(body, before, path.length);
  body.set(path, before + 2);
  return body;
}

/**
 * @throws PortholeError FILE with the kernel's errno for such a path: ENOENT if empty, ENAMETOOLONG
 *   above 4095 bytes, EINVAL for a NUL byte
 */
function checkPath(path: Uint8Array): void {
  if (path.length === 0) throw new PortholeError("FILE", "invalid path: it is empty", { errno: "ENOENT" });
  if (path.length > MAX_PATH) {
    throw new PortholeError("FILE", `path of ${path.length} bytes: File name too long (the limit is ${MAX_PATH})`, {
      errno: "ENAMETOOLONG",
    });
  }
  if (hasNul(path)) throw new PortholeError("FILE", "invalid path: it contains a NUL byte", { errno: "EINVAL" });
}

/** Costs less than Buffer.includes() for most paths. */
function hasNul(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at++) if (bytes[at] === 0) return true;
  return false;
}

function u32(value: number): Buffer {
  const body = Buffer.allocUnsafe(4);
  put32(body, 0, value);
  return body;
}
