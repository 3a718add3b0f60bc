import type { ByteSource } from "../../src/text/sources/byte-source.ts";

/**
 * A source whose bytes a test sets as it likes. `reads` counts system calls that a file would have
 * seen.
 */
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
