import { Memory } from "./libc.ts";

export const MSG_CTRUNC = 0x8;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_CMSG_CLOEXEC = 0x4000_0000;

/** struct msghdr on 64-bit Linux, here followed by its one struct iovec. */
const At = { iov: 16, iovlen: 24, control: 32, controllen: 40, flags: 48, iovec: 56, datalen: 64, end: 72 } as const;

/**
 * A struct msghdr with its buffers, for sendmsg(2) and recvmsg(2): laid out once, armed before each call. koffi's own struct marshalling
 * takes three times as long as the call.
 */
export class Message {
  /** The whole data buffer. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** The whole control buffer, aligned as struct cmsghdr must be. */
  readonly control: DataView<ArrayBuffer>;
  /** Of the struct msghdr. */
  readonly address: number;
  readonly #memory: Memory;

  constructor(dataCapacity: number, controlCapacity: number) {
    const data = At.end + Math.ceil(controlCapacity / 8) * 8;
    const memory = new Memory(data + dataCapacity);
    this.#memory = memory;
    this.address = memory.address;
    this.control = new DataView(memory.bytes.buffer, At.end, controlCapacity);
    this.data = memory.bytes.subarray(data);
    memory.setPointer(At.iov, memory.address + At.iovec);
    memory.setPointer(At.iovlen, 1);
    memory.setPointer(At.iovec, memory.address + data);
  }

  /** Offers (to recvmsg) or sends (with sendmsg) the first so many bytes of each buffer. The kernel overwrites this: arm before every call. */
  arm(dataLength: number, controlLength: number): void {
    const { view } = this.#memory;
    view.setUint32(At.datalen, dataLength, true);
    this.#memory.setPointer(At.control, controlLength === 0 ? 0 : this.address + At.end);
    view.setUint32(At.controllen, controlLength, true);
    view.setUint32(At.flags, 0, true);
  }

  /** MSG_* that recvmsg reported. */
  get flags(): number {
    return this.#memory.view.getUint32(At.flags, true);
  }

  /** How many bytes of the control buffer recvmsg filled. */
  get controlLength(): number {
    return this.#memory.view.getUint32(At.controllen, true);
  }
}
