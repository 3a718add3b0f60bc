import { PortholeError } from "../errors.ts";
import { ControlHeader, controlLength, parseControl, SCM_MAX_FD, SCM_RIGHTS, SOL_SOCKET } from "./control.ts";
import { Errno, systemError } from "./errno.ts";
import { errno, libc, Memory } from "./libc.ts";
import { OwnedFd } from "./owned-fd.ts";

export {
  acceptFrom,
  connectAt,
  listenAt,
  peerCredentials,
  peerPidfd,
  refuseDescriptors,
  socketpair,
} from "./socket.ts";

const MSG_CTRUNC = 0x8;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;

/** struct msghdr on 64-bit Linux, followed here by its one struct iovec. */
const Message = { size: 56, iov: 16, iovlen: 24, control: 32, controllen: 40, flags: 48, iovec: 56, end: 72 } as const;

/** Where everything lies in the socket's one block of memory. */
const At = {
  send: 0,
  receive: Message.end,
  sendControl: 2 * Message.end,
  receiveControl: 2 * Message.end + align(controlLength(SCM_MAX_FD)),
  data: 2 * Message.end + 2 * align(controlLength(SCM_MAX_FD)),
} as const;

/** One packet that arrived. */
export interface Packet {
  /** A view of the socket's own buffer, valid until the next receive() on this socket. */
  data: Uint8Array;
  /** In the order in which they were sent, all close-on-exec. The receiver of the packet closes them. */
  descriptors: OwnedFd[];
}

/**
 * A connected SOCK_SEQPACKET socket over which packets travel with descriptors. It owns the socket; none of its calls ever blocks.
 * One sendmsg or recvmsg per call, on memory that is laid out once.
 */
export class FdSocket implements Disposable, AsyncDisposable {
  readonly fd: OwnedFd;
  readonly #maxPacket: number;
  readonly #controlLength: number;
  readonly #memory: Memory;
  readonly #outgoing: Uint8Array;
  readonly #incoming: Uint8Array;

  /**
   * Takes `fd`. `maxDescriptors` (0 to 253) is the most that one received packet may bring, `maxPacket` the most bytes of a packet in
   * either direction; a peer that brings more is an error at receive().
   */
  constructor(fd: OwnedFd, options: { maxDescriptors: number; maxPacket?: number }) {
    const { maxDescriptors, maxPacket = 65_536 } = options;
    if (!Number.isInteger(maxDescriptors) || maxDescriptors < 0 || maxDescriptors > SCM_MAX_FD)
      throw new RangeError(`maxDescriptors must be 0 to ${SCM_MAX_FD}: ${maxDescriptors}`);
    this.fd = fd;
    this.#maxPacket = maxPacket;
    this.#controlLength = controlLength(maxDescriptors);
    this.#memory = new Memory(At.data + 2 * maxPacket);
    this.#outgoing = this.#memory.bytes.subarray(At.data, At.data + maxPacket);
    this.#incoming = this.#memory.bytes.subarray(At.data + maxPacket);

    const { view, address } = this.#memory;
    for (const [message, data] of [
      [At.send, At.data],
      [At.receive, At.data + maxPacket],
    ] as const) {
      this.#memory.setPointer(message + Message.iov, address + message + Message.iovec);
      this.#memory.setPointer(message + Message.iovlen, 1);
      this.#memory.setPointer(message + Message.iovec, address + data);
    }
    this.#memory.setPointer(At.receive + Message.iovec + 8, maxPacket);
    if (maxDescriptors > 0) this.#memory.setPointer(At.receive + Message.control, address + At.receiveControl);
    view.setInt32(At.sendControl + ControlHeader.level, SOL_SOCKET, true);
    view.setInt32(At.sendControl + ControlHeader.type, SCM_RIGHTS, true);
  }

  /**
   * Sends one packet, whole or not at all. False when the socket's queue is full: wait until it is writable and send again. The descriptors
   * stay the caller's, who may close them as soon as this returns true. Throws SESSION: EPIPE or ECONNRESET (the peer is gone),
   * EPERM (it refuses descriptors), ETOOMANYREFS (too many in flight).
   */
  send(data: Uint8Array, descriptors: readonly OwnedFd[] = []): boolean {
    if (data.length === 0 || data.length > this.#maxPacket)
      throw new RangeError(`a packet has 1 to ${this.#maxPacket} bytes, not ${data.length}`);
    if (descriptors.length > SCM_MAX_FD)
      throw new RangeError(`a packet carries ${SCM_MAX_FD} descriptors at most, not ${descriptors.length}`);
    const { view } = this.#memory;
    this.#outgoing.set(data);
    view.setUint32(At.send + Message.iovec + 8, data.length, true);
    const length = controlLength(descriptors.length);
    this.#memory.setPointer(At.send + Message.control, length === 0 ? 0 : this.#memory.address + At.sendControl);
    view.setUint32(At.send + Message.controllen, length, true);
    view.setUint32(At.sendControl, length, true);
    let at = At.sendControl + ControlHeader.size;
    for (const descriptor of descriptors) {
      view.setInt32(at, descriptor.number, true);
      at += 4;
    }
    for (;;) {
      if (libc.sendmsg(this.fd.number, this.#memory.address + At.send, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
      const error = errno();
      if (error === Errno.EAGAIN) return false;
      if (error !== Errno.EINTR) throw systemError("SESSION", "cannot send to the peer", error);
    }
  }

  /**
   * The next packet; "again" when none is there; "end" when the peer has closed and everything it sent was received.
   * Throws SESSION after closing every descriptor that came along when the packet is cut off, brings more descriptors than allowed (or this
   * process is at its limit of open files: the kernel reports both as MSG_CTRUNC), brings another control message, or is empty but carries
   * descriptors. After that the socket is good only to be closed.
   */
  receive(): Packet | "again" | "end" {
    const { view } = this.#memory;
    const size = this.#receiveMessage();
    if (size === -Errno.EAGAIN) return "again";
    const flags = view.getInt32(At.receive + Message.flags, true);
    const arrived = view.getUint32(At.receive + Message.controllen, true);
    // An empty packet reads like the end of the stream and can still have installed descriptors.
    const control =
      arrived === 0
        ? { descriptors: [], foreign: false }
        : parseControl(new DataView(view.buffer, At.receiveControl, this.#controlLength), arrived);
    const descriptors = control.descriptors.map(OwnedFd.adopt);
    const complaint = this.#complaint(flags, control.foreign, size, descriptors.length);
    if (complaint !== undefined) {
      for (const descriptor of descriptors) descriptor.close();
      throw new PortholeError("SESSION", `the peer sent ${complaint}`, { errno: "EPROTO" });
    }
    if (size === 0) return "end";
    return { data: this.#incoming.subarray(0, size), descriptors };
  }

  close(): void {
    this.fd.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** Bytes received or -EAGAIN. */
  #receiveMessage(): number {
    const { view, address } = this.#memory;
    // recvmsg overwrites these two.
    view.setUint32(At.receive + Message.controllen, this.#controlLength, true);
    view.setInt32(At.receive + Message.flags, 0, true);
    for (;;) {
      const size = libc.recvmsg(this.fd.number, address + At.receive, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
      if (size >= 0) return size;
      const error = errno();
      if (error === Errno.EAGAIN) return -Errno.EAGAIN;
      // ECONNRESET: the peer died with unread packets of ours. The kernel says so once, before what the peer had sent; that still comes.
      if (error !== Errno.EINTR && error !== Errno.ECONNRESET)
        throw systemError("SESSION", "cannot receive from the peer", error);
    }
  }

  #complaint(flags: number, foreign: boolean, size: number, count: number): string | undefined {
    if (flags & MSG_CTRUNC) return "more descriptors than allowed, or this process may open no more files (ulimit -n)";
    if (flags & MSG_TRUNC) return `a packet of more than ${this.#maxPacket} bytes`;
    if (foreign) return "a control message that is not SCM_RIGHTS";
    if (size === 0 && count > 0) return "an empty packet with descriptors";
    return undefined;
  }
}

function align(length: number): number {
  return Math.ceil(length / 8) * 8;
}
