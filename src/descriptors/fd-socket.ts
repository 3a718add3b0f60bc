import { PortholeError } from "../errors.ts";
import { ControlHeader, controlLength, parseControl, SCM_MAX_FD, SCM_RIGHTS, SOL_SOCKET } from "./control.ts";
import { discard } from "./discard.ts";
import { Errno, systemError } from "./errno.ts";
import { errno, libc } from "./libc.ts";
import { Message, MSG_CMSG_CLOEXEC, MSG_CTRUNC, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_TRUNC } from "./message.ts";
import { OwnedFd } from "./owned-fd.ts";

export {
  acceptFrom,
  connectAt,
  connectStreamAt,
  listenAt,
  peerCredentials,
  peerPidfd,
  refuseDescriptors,
  socketpair,
} from "./socket.ts";

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
  readonly #maxDescriptors: number;
  readonly #controlLength: number;
  readonly #outgoing: Message;
  readonly #incoming: Message;

  /**
   * Takes `fd`. `maxDescriptors` (0 to 253) is the most that one received packet may bring, `maxPacket` the most bytes of a packet in
   * either direction (65,536); a peer that brings more is an error at receive().
   */
  constructor(fd: OwnedFd, options: { maxDescriptors: number; maxPacket?: number }) {
    const { maxDescriptors, maxPacket = 65_536 } = options;
    if (!Number.isInteger(maxDescriptors) || maxDescriptors < 0 || maxDescriptors > SCM_MAX_FD)
      throw new RangeError(`maxDescriptors must be 0 to ${SCM_MAX_FD}: ${maxDescriptors}`);
    this.fd = fd;
    this.#maxPacket = maxPacket;
    this.#maxDescriptors = maxDescriptors;
    this.#controlLength = controlLength(maxDescriptors);
    this.#outgoing = new Message(maxPacket, controlLength(SCM_MAX_FD));
    this.#incoming = new Message(maxPacket, this.#controlLength);
    this.#outgoing.control.setInt32(ControlHeader.level, SOL_SOCKET, true);
    this.#outgoing.control.setInt32(ControlHeader.type, SCM_RIGHTS, true);
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
    const message = this.#outgoing;
    const length = controlLength(descriptors.length);
    message.data.set(data);
    message.control.setUint32(0, length, true);
    let at: number = ControlHeader.size;
    for (const descriptor of descriptors) {
      message.control.setInt32(at, descriptor.number, true);
      at += 4;
    }
    message.arm(data.length, length);
    for (;;) {
      if (libc.sendmsg(this.fd.number, message.address, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
      const error = errno();
      if (error === Errno.EAGAIN) return false;
      if (error !== Errno.EINTR) throw systemError("SESSION", "cannot send to the peer", error);
    }
  }

  /**
   * The next packet; "again" when none is there; "end" when the peer has closed and everything it sent was received.
   * Throws SESSION with EPROTO after getting rid of every descriptor that came along when the packet is cut off, brings more descriptors than allowed,
   * brings another control message, or is empty but carries descriptors; with EMFILE when this process may open no more files. The kernel reports that as
   * it does a surplus, by MSG_CTRUNC, but there is room left then. After that the socket is good only to be closed.
   */
  receive(): Packet | "again" | "end" {
    const message = this.#incoming;
    const size = this.#receiveMessage();
    if (size < 0) return "again";
    // An empty packet reads like the end and can still have installed descriptors: look at the control messages whatever the size.
    const { descriptors: numbers, foreign } = parseControl(message.control, message.controlLength);
    const descriptors = numbers.map(OwnedFd.adopt);
    const complaint = this.#complaint(message.flags, foreign, size, descriptors.length);
    if (complaint !== undefined) {
      for (const descriptor of descriptors) discard(descriptor);
      if (message.flags & MSG_CTRUNC && !foreign && descriptors.length < this.#maxDescriptors)
        throw new PortholeError("SESSION", "a descriptor was lost: this process may open no more files (ulimit -n)", {
          errno: "EMFILE",
        });
      throw new PortholeError("SESSION", `the peer sent ${complaint}`, { errno: "EPROTO" });
    }
    if (size === 0) return "end";
    return { data: message.data.subarray(0, size), descriptors };
  }

  /** Gets rid of a received descriptor that nobody wants: a stranger's, so close(2) of it might never return. */
  discard(descriptor: OwnedFd): void {
    discard(descriptor);
  }

  /** Idempotent. End the watch on the socket first. */
  close(): void {
    this.fd.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** Bytes received, or -1 when nothing is there. */
  #receiveMessage(): number {
    const message = this.#incoming;
    // Not a byte more: CMSG_SPACE's padding would let one more descriptor in.
    message.arm(this.#maxPacket, this.#controlLength);
    for (;;) {
      const size = libc.recvmsg(this.fd.number, message.address, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
      if (size >= 0) return size;
      const error = errno();
      if (error === Errno.EAGAIN) return -1;
      // ECONNRESET: the peer died with unread packets of ours. The kernel says so once, before what the peer had sent; that still comes.
      if (error !== Errno.EINTR && error !== Errno.ECONNRESET)
        throw systemError("SESSION", "cannot receive from the peer", error);
    }
  }

  #complaint(flags: number, foreign: boolean, size: number, count: number): string | undefined {
    if (flags & MSG_CTRUNC) return "more descriptors than allowed";
    if (flags & MSG_TRUNC) return `a packet of more than ${this.#maxPacket} bytes`;
    if (foreign) return "a control message that is not SCM_RIGHTS";
    if (size === 0 && count > 0) return "an empty packet with descriptors";
    return undefined;
  }
}
