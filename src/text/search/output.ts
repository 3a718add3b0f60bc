const CAPACITY = 64 * 1024;
/** Of the largest safe integer. */
const MOST_DIGITS = 16;
const ZERO = 0x30;

/** Collects what printers write and passes it on in large pieces. A piece is valid only during the call that passes it. */
export class Output {
  readonly #pass: (bytes: Buffer) => void;
  readonly #memory = Buffer.allocUnsafeSlow(CAPACITY);
  #length = 0;
  /** The block that {@link range} saw last, and all of it as a plain array. */
  #block: Buffer | undefined;
  #view: Uint8Array = new Uint8Array(0);
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

  /** The bytes of `block` from `start` to before `end`. */
  range(block: Buffer, start: number, end: number): void {
    const length = end - start;
    if (length > CAPACITY - this.#length) this.bytes(block.subarray(start, end));
    else {
      this.count += length;
      // A view of a plain array costs less than one of a Buffer.
      if (block !== this.#block) {
        this.#block = block;
        this.#view = new Uint8Array(block.buffer, block.byteOffset, block.length);
      }
      this.#memory.set(this.#view.subarray(start, end), this.#length);
      this.#length += length;
    }
  }

  /** A number that is not negative, in decimal. */
  number(value: number): void {
    if (CAPACITY - this.#length < MOST_DIGITS) this.flush();
    let digits = 1;
    for (let power = 10; power <= value; power *= 10) digits++;
    let rest = value;
    for (let at = this.#length + digits; at > this.#length; rest = Math.floor(rest / 10))
      this.#memory[--at] = ZERO + (rest % 10);
    this.#length += digits;
    this.count += digits;
  }

  text(text: string): void {
    if (text.length === 1 && text < "\x80" && this.#length < CAPACITY) {
      this.#memory[this.#length++] = text.charCodeAt(0);
      this.count++;
      return;
    }
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
