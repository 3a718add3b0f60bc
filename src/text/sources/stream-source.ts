import type { ByteSource } from "./byte-source.ts";

/**
 * Bytes of a stream that are kept in memory. Older bytes are dropped, and {@link ByteSource.start}
 * rises.
 */
const STREAM_CAPACITY = 16 * 1024 * 1024;

/**
 * The newest bytes of a stream that cannot be read twice (FIFO, device, relayed pipe), in a ring
 * that grows on demand. The owner reads the stream and calls {@link append}.
 */
export class StreamSource implements ByteSource {
  readonly #capacity: number;
  #ring: Uint8Array;
  #end = 0;

  constructor(capacity = STREAM_CAPACITY) {
    this.#capacity = capacity;
    this.#ring = new Uint8Array(Math.min(capacity, 64 * 1024));
  }

  append(bytes: Uint8Array): void {
    this.#grow(bytes.length);
    const size = this.#ring.length;
    const kept = bytes.length > size ? bytes.subarray(bytes.length - size) : bytes;
    const at = (this.#end + bytes.length - kept.length) % size;
    const first = Math.min(kept.length, size - at);
    this.#ring.set(kept.subarray(0, first), at);
    this.#ring.set(kept.subarray(first), 0);
    this.#end += bytes.length;
  }

  start(): number {
    return Math.max(0, this.#end - this.#capacity);
  }

  end(): number {
    return this.#end;
  }

  read(position: number, buffer: Uint8Array): number {
    const from = Math.max(position, this.start());
    if (from !== position) return 0;
    const count = Math.max(0, Math.min(buffer.length, this.#end - from));
    const at = from % this.#ring.length;
    const first = Math.min(count, this.#ring.length - at);
    buffer.set(this.#ring.subarray(at, at + first));
    buffer.set(this.#ring.subarray(0, count - first), first);
    return count;
  }

  /**
   * Doubles the ring up to its capacity. Below capacity no data has wrapped, so offsets are
   * indices.
   */
  #grow(extra: number): void {
    const wanted = Math.min(this.#capacity, this.#end + extra);
    if (wanted <= this.#ring.length) return;
    let length = this.#ring.length;
    while (length < wanted) length *= 2;
    const ring = new Uint8Array(Math.min(length, this.#capacity));
    ring.set(this.#ring);
    this.#ring = ring;
  }
}
