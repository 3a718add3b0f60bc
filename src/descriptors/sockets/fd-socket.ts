import { PortholeError } from "../../errors.ts";
import {
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_TRUNC,
  SCM_RIGHTS,
  SOL_SOCKET,
} from "../constants.ts";
import { Errno, systemError } from "../errno.ts";
import { discard } from "../files/discard.ts";
import { errno, libc } from "../libc.ts";
import { OwnedFd } from "../owned-fd.ts";
import { ControlHeader, controlLength, parseControl, SCM_MAX_FD } from "./control.ts";
import { SocketMessage } from "./socket-message.ts";

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

/** A received packet. */
export interface Packet {
  /** A view of the socket's own buffer. It is valid until the next receive() on this socket. */
  data: Uint8Array;
  /** Descriptors in sending order, close-on-exec. The receiver of the packet closes them. */
  descriptors: OwnedFd[];
}

/**
 * A connected SOCK_SEQPACKET socket for packets with descriptors. It owns the socket. Calls never
 * block and make one sendmsg or recvmsg on preallocated memory.
 */
export class FdSocket implements Disposable, AsyncDisposable {
  readonly fd: OwnedFd;
  readonly #maxPacket: number;
  readonly #maxDescriptors: number;
  readonly #outgoing: SocketMessage;
  readonly #incoming: SocketMessage;

  /**
   * Takes `fd`. `maxDescriptors` (0 to 253) limits the descriptors of one received packet,
   * `maxPacket` the bytes of a packet in either direction (65,536). receive() throws if the peer
   * exceeds them.
   */
  constructor(fd: OwnedFd, options: { maxDescriptors: number; maxPacket?: number }) {
    const { maxDescriptors, maxPacket = 65_536 } = options;
    if (!Number.isInteger(maxDescriptors) || maxDescriptors < 0 || maxDescriptors > SCM_MAX_FD)
      throw new RangeError(`maxDescriptors must be 0 to ${SCM_MAX_FD}: ${maxDescriptors}`);
    this.fd = fd;
    this.#maxPacket = maxPacket;
    this.#maxDescriptors = maxDescriptors;
    this.#outgoing = new SocketMessage(maxPacket, controlLength(SCM_MAX_FD));
    this.#incoming = new SocketMessage(maxPacket, controlLength(maxDescriptors));
    this.#outgoing.control.setInt32(ControlHeader.level, SOL_SOCKET, true);
    this.#outgoing.control.setInt32(ControlHeader.type, SCM_RIGHTS, true);
  }

  /**
   * Sends one packet, whole or not at all. False if the socket's queue is full: wait until it is
   * writable and send again. The caller keeps the descriptors and may close them once this returns
   * true. Throws SESSION: EPIPE or ECONNRESET (the peer is gone), EPERM (it refuses descriptors),
   * ETOOMANYREFS (too many in flight).
   */
  send(data: Uint8Array, descriptors: readonly OwnedFd[] = []): boolean {
    if (data.length === 0 || data.length > this.#maxPacket)
      throw new RangeError(`a packet has 1 to ${this.#maxPacket} bytes, not ${data.length}`);
    if (descriptors.length > SCM_MAX_FD)
      throw new RangeError(`a packet carries ${SCM_MAX_FD} descriptors at most, not ${descriptors.length}`);
    this.#outgoing.data.set(data);
    return this.sendOutgoing(data.length, descriptors);
  }

  /** The bytes that {@link sendOutgoing} sends. */
  get outgoing(): Uint8Array {
    return this.#outgoing.data;
  }

  /** Like {@link send}, for the first `size` bytes of {@link outgoing}. */
  sendOutgoing(size: number, descriptors: readonly OwnedFd[] = []): boolean {
    const message = this.#outgoing;
    const length = controlLength(descriptors.length);
    message.control.setUint32(0, length, true);
    let at: number = ControlHeader.size;
    for (const descriptor of descriptors) {
      message.control.setInt32(at, descriptor.number, true);
      at += 4;
    }
    message.arm(size, length);
    for (;;) {
      if (libc.sendmsg(this.fd.number, message.address, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
      const error = errno();
      if (error === Errno.EAGAIN) return false;
      if (error !== Errno.EINTR) throw systemError("SESSION", "cannot send to the peer", error);
    }
  }

  /**
   * Returns the next packet, with at most `maxDescriptors` descriptors. "again": no packet is
   * waiting. "end": the peer has closed, and everything that it sent was received. Throws SESSION,
   * after discarding all received descriptors. EPROTO: the packet is truncated, has too many
   * descriptors, has another control message, or is empty but carries descriptors. EMFILE: this
   * process reached its limit of open files. The kernel then sets MSG_CTRUNC although the buffer
   * has room left. After an error the socket can only be closed.
   */
  receive(maxDescriptors = this.#maxDescriptors): Packet | "again" | "end" {
    const message = this.#incoming;
    const size = this.#receiveMessage(Math.min(maxDescriptors, this.#maxDescriptors));
    if (size < 0) return "again";
    // An empty packet looks like end of file but may carry descriptors: always parse control
    // messages.
    const { descriptors: numbers, foreign } = parseControl(message.control, message.controlLength);
    const descriptors = numbers.map(OwnedFd.adopt);
    const violation = this.#violation(message.flags, foreign, size, descriptors.length);
    if (violation !== undefined) {
      for (const descriptor of descriptors) discard(descriptor);
      if (message.flags & MSG_CTRUNC && !foreign && descriptors.length < maxDescriptors)
        throw new PortholeError("SESSION", "a descriptor was lost: too many open files (raise ulimit -n)", {
          errno: "EMFILE",
        });
      throw new PortholeError("SESSION", `the peer sent ${violation}`, { errno: "EPROTO" });
    }
    if (size === 0) return "end";
    return { data: message.data.subarray(0, size), descriptors };
  }

  /**
   * Disposes of an unwanted received descriptor. It is untrusted, so close(2) might never return.
   */
  discard(descriptor: OwnedFd): void {
    discard(descriptor);
  }

  /** Idempotent. Close the socket's watch first. */
  close(): void {
    this.fd.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** Returns the number of bytes received; -1 if no packet is waiting. */
  #receiveMessage(maxDescriptors: number): number {
    const message = this.#incoming;
    // CMSG_SPACE's padding would admit one more descriptor.
    message.arm(this.#maxPacket, controlLength(maxDescriptors));
    for (;;) {
      const size = libc.recvmsg(this.fd.number, message.address, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
      if (size >= 0) return size;
      const error = errno();
      if (error === Errno.EAGAIN) return -1;
      // ECONNRESET: the peer died with unread packets of ours. The kernel reports that once, before
      // packets that the peer sent earlier. Those packets still arrive.
      if (error !== Errno.EINTR && error !== Errno.ECONNRESET)
        throw systemError("SESSION", "cannot receive from the peer", error);
    }
  }

  #violation(flags: number, foreign: boolean, size: number, count: number): string | undefined {
    if (flags & MSG_CTRUNC) return "more descriptors than allowed";
    if (flags & MSG_TRUNC) return `a packet of more than ${this.#maxPacket} bytes`;
    if (foreign) return "a control message that is not SCM_RIGHTS";
    if (size === 0 && count > 0) return "an empty packet with descriptors";
    return undefined;
  }
}
