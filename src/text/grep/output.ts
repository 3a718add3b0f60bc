const CAPACITY = 64 * 1024;

/** Collects what printers write and passes it on in large pieces. A piece is valid only during the call that passes it. */
export class Output {
  readonly #pass: (bytes: Buffer) => void;
  readonly #memory = Buffer.allocUnsafeSlow(CAPACITY);
  #length = 0;
  /** Bytes written so far. */
  count = 0;

  constructor(pass: (bytes: Buffer) => void) {
    this.#pass = pass;
  }

  bytes(bytes: Uint8Array): void {
    this.count += bytes.length;
    if (bytes.length > CAPACITY - this.#length) this.flush();
    if (bytes.length > CAPACITY) this.#pass(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    else {
      this.#memory.set(bytes, this.#length);
      this.#length += bytes.length;
    }
  }

  text(text: string): void {
    if (text.length * 3 > CAPACITY - this.#length) this.bytes(Buffer.from(text));
    else {
      const length = this.#memory.write(text, this.#length);
      this.#length += length;
      this.count += length;
    }
  }

  flush(): void {
    if (this.#length === 0) return;
    const length = this.#length;
    this.#length = 0;
    this.#pass(this.#memory.subarray(0, length));
  }
}
