import { libc, Memory } from "../libc.ts";

/**
 * Passes each key of a terminal to this process at once and without echo, as cfmakeraw(3) does.
 * Node can do so only with its streams, which take 5 ms to load. At its end, Node restores the
 * modes that standard input had at its start.
 */
export class RawMode {
  readonly #fd: number;
  /** struct termios before the change; undefined if `fd` is no terminal. */
  #before: Memory | undefined;
  #isRaw = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * Has no effect on a terminal that is gone. After {@link disable} it reads the modes again: the
   * user may have changed them.
   */
  enable(): void {
    if (!this.#isRaw) this.#before = this.#read();
    if (this.#before === undefined) return;
    const raw = new Memory(SIZE);
    raw.bytes.set(this.#before.bytes);
    for (const [offset, set, cleared] of CHANGES) {
      const flags = raw.view.getUint32(offset, true);
      raw.view.setUint32(offset, ((flags & ~cleared) | set) >>> 0, true);
    }
    raw.bytes.set([0, 1], VTIME_AND_VMIN);
    this.#write(raw);
    this.#isRaw = true;
  }

  /** Restores the modes before {@link enable}. */
  disable(): void {
    if (this.#before !== undefined) this.#write(this.#before);
    this.#isRaw = false;
  }

  #read(): Memory | undefined {
    const modes = new Memory(SIZE);
    return libc.ioctl(this.#fd, TCGETS, modes.address) < 0 ? undefined : modes;
  }

  #write({ address }: Memory): void {
    libc.ioctl(this.#fd, TCSETS, address);
  }
}

// ioctl_tty(2), asm-generic/ioctls.h
const TCGETS = 0x5401;
const TCSETS = 0x5402;

/** struct termios: c_iflag, c_oflag, c_cflag, c_lflag; c_line; c_cc[19]. */
const SIZE = 36;
const VTIME_AND_VMIN = 22;

/** termios(3): the offset of the flags, those to set, and those to clear. */
const CHANGES: readonly (readonly [offset: number, set: number, cleared: number])[] = [
  // BRKINT | ICRNL | INPCK | ISTRIP | IXON
  [0, 0, 0x2 | 0x100 | 0x10 | 0x20 | 0x400],
  // ONLCR
  [4, 0x4, 0],
  // CS8
  [8, 0x30, 0],
  // ECHO | ICANON | IEXTEN | ISIG
  [12, 0, 0x8 | 0x2 | 0x8000 | 0x1],
];
