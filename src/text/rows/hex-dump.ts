/** Options of a hex dump. */
export interface HexDumpOptions {
  /** Replaces repeated lines by `*`; default true. */
  squeezes?: boolean | undefined;
  /** Offset of the first byte. */
  offset?: number | undefined;
}

const WIDTH = 16;

/**
 * Formats bytes exactly like `hexdump -C` of util-linux. Pieces may have any length: {@link push}
 * returns complete lines, {@link end} the last line and the final offset.
 */
export class HexDump {
  readonly #squeezes: boolean;
  /** Offset of the incomplete line. */
  #offset: number;
  #held: Buffer = Buffer.alloc(0);
  #last: Buffer | undefined;
  #isSqueezing = false;

  constructor(options: HexDumpOptions = {}) {
    this.#squeezes = options.squeezes ?? true;
    this.#offset = options.offset ?? 0;
  }

  push(piece: Uint8Array): string {
    const view = Buffer.from(piece.buffer, piece.byteOffset, piece.length);
    const bytes = this.#held.length === 0 ? view : Buffer.concat([this.#held, view]);
    const whole = bytes.length - (bytes.length % WIDTH);
    let text = "";
    for (let at = 0; at < whole; at += WIDTH) {
      if (this.#isSqueezing && this.#isAllLast(bytes, at, whole)) {
        this.#offset += whole - at;
        break;
      }
      text += this.#line(bytes.subarray(at, at + WIDTH));
    }
    // The caller may reuse the memory of a piece.
    this.#held = Buffer.from(bytes.subarray(whole));
    return text;
  }

  /** True if further zeros would print nothing. */
  get canSkipZeros(): boolean {
    return this.#isSqueezing && this.#held.length === 0 && this.#last?.every((byte) => byte === 0) === true;
  }

  /** Advances over `count` zero bytes, a multiple of 16; only if {@link canSkipZeros}. */
  skipZeros(count: number): void {
    this.#offset += count;
  }

  end(): string {
    const rest = this.#held.length === 0 ? "" : formatLine(this.#held, this.#offset);
    const end = this.#offset + this.#held.length;
    return end === 0 ? "" : `${rest}${formatOffset(end)}\n`;
  }

  #line(line: Buffer): string {
    const offset = this.#offset;
    this.#offset += WIDTH;
    if (this.#squeezes && this.#last?.equals(line)) {
      if (this.#isSqueezing) return "";
      this.#isSqueezing = true;
      return "*\n";
    }
    this.#isSqueezing = false;
    this.#last = Buffer.from(line);
    return formatLine(line, offset);
  }

  /**
   * True if [from, to) repeats the last line: one comparison of each line with the one before it.
   */
  #isAllLast(bytes: Buffer, from: number, to: number): boolean {
    if (!this.#last?.equals(bytes.subarray(from, from + WIDTH))) return false;
    return bytes.compare(bytes, from + WIDTH, to, from, to - WIDTH) === 0;
  }
}

function formatOffset(offset: number): string {
  return offset.toString(16).padStart(8, "0");
}

const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const characterOfByte = Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".",
);

function formatLine(bytes: Uint8Array, offset: number): string {
  let hex = "";
  let characters = "";
  for (let i = 0; i < WIDTH; i++) {
    const byte = bytes[i];
    if (i === 8) hex += " ";
    hex += byte === undefined ? "   " : ` ${hexOfByte[byte]}`;
    if (byte !== undefined) characters += characterOfByte[byte];
  }
  return `${formatOffset(offset)} ${hex}  |${characters}|\n`;
}
