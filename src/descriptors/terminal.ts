import { libc, Memory } from "./libc.ts";

/** What a terminal is used for at the moment. */
export interface TerminalState {
  /** Its width; 80 where it does not know. */
  columns: number;
  /** False while a program reads single keys: a pager or an editor that owns the screen, a shell that edits a command line. */
  isLineMode: boolean;
  /** False while this process runs in the background of the terminal's shell. */
  isForeground: boolean;
}

/** The state of a terminal now, undefined for what is none (ioctl_tty(2)). */
export function terminalState(fd: number): TerminalState | undefined {
  const { view, address } = scratch;
  if (libc.ioctl(fd, Ioctl.TCGETS, address) < 0) return undefined;
  const isLineMode = (view.getUint32(LOCAL_MODES, true) & ICANON) !== 0;
  const columns = libc.ioctl(fd, Ioctl.TIOCGWINSZ, address) < 0 ? 0 : view.getUint16(COLUMNS, true);
  // ENOTTY: a terminal that is not the one which controls us has no jobs of ours.
  const isForeground = libc.ioctl(fd, Ioctl.TIOCGPGRP, address) < 0 || view.getInt32(0, true) === libc.getpgrp();
  return { columns: columns || 80, isLineMode, isForeground };
}

/** asm-generic/ioctls.h, the same on x64 and arm64. */
const Ioctl = { TCGETS: 0x5401, TIOCGPGRP: 0x540f, TIOCGWINSZ: 0x5413 } as const;
/** The kernel's struct termios: four words of flags, the last of them c_lflag, and characters after them, 36 bytes in all. */
const LOCAL_MODES = 12;
const ICANON = 2;
/** struct winsize: unsigned short ws_row, ws_col, ... */
const COLUMNS = 2;
const scratch = new Memory(64);
