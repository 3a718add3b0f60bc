import type { ByteSource } from "../../src/text/sources/byte-source.ts";

/** A source with bytes that a test sets. `reads` counts the system calls that a file would need. */
export class MemorySource implements ByteSource {
  bytes: Buffer;
  first = 0;
  reads = 0;

  constructor(content: string | Buffer) {
    this.bytes = Buffer.from(content);
  }

  start = () => this.first;
  end = () => this.bytes.length;

  read(position: number, buffer: Uint8Array): number {
    this.reads++;
    const part = this.bytes.subarray(position, position + buffer.length);
    buffer.set(part);
    return part.length;
  }
}
