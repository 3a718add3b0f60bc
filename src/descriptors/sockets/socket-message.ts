import { Memory } from "../libc.ts";

/** struct msghdr on 64-bit Linux, followed in this buffer by its only struct iovec. */
const At = { iov: 16, iovlen: 24, control: 32, controllen: 40, flags: 48, iovec: 56, datalen: 64, end: 72 } as const;

/**
 * A struct msghdr with its buffers for sendmsg(2) and recvmsg(2), allocated once and armed before
 * each call. koffi's struct marshalling takes three times as long as the call.
 */
export class SocketMessage {
  /** The whole data buffer. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** The whole control buffer, aligned for struct cmsghdr. */
  readonly control: DataView<ArrayBuffer>;
  /** Address of the struct msghdr. */
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

  /**
   * Sets the bytes of each buffer that the next call may use. The kernel overwrites this: arm
   * before every call.
   */
  arm(dataLength: number, controlLength: number): void {
    const { view } = this.#memory;
    view.setUint32(At.datalen, dataLength, true);
    this.#memory.setPointer(At.control, controlLength === 0 ? 0 : this.address + At.end);
    view.setUint32(At.controllen, controlLength, true);
    view.setUint32(At.flags, 0, true);
  }

  /** MSG_* flags from recvmsg. */
  get flags(): number {
    return this.#memory.view.getUint32(At.flags, true);
  }

  /** Bytes of the control buffer that recvmsg filled. */
  get controlLength(): number {
    return this.#memory.view.getUint32(At.controllen, true);
  }
}
