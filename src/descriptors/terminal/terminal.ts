import { Errno } from "../errno.ts";
import { errno, libc, Memory } from "../libc.ts";

/** How a terminal is currently used. */
export interface TerminalState {
  /** Width; 80 if unknown. */
  columns: number;
  /**
   * False while a program reads single keys: a full-screen program, or a shell that edits its
   * command line.
   */
  isLineMode: boolean;
  /** False while this process is a background job of the terminal's shell. */
  isForeground: boolean;
}

/** The state of a terminal; undefined if `fd` is not a terminal (ioctl_tty(2)). */
export function terminalState(fd: number): TerminalState | undefined {
  const { view, address } = scratch;
  if (libc.ioctl(fd, Ioctl.TCGETS, address) < 0) return undefined;
  const isLineMode = (view.getUint32(LOCAL_MODES, true) & ICANON) !== 0;
  const { columns } = terminalSize(fd);
  // ENOTTY: not our controlling terminal, so it has no jobs of ours.
  const isForeground = libc.ioctl(fd, Ioctl.TIOCGPGRP, address) < 0 || view.getInt32(0, true) === libc.getpgrp();
  return { columns: columns || 80, isLineMode, isForeground };
}

/** The size of a terminal; 0 by 0 if it is unknown. */
export function terminalSize(fd: number): { columns: number; rows: number } {
  const { view, address } = scratch;
  if (libc.ioctl(fd, Ioctl.TIOCGWINSZ, address) < 0) return { columns: 0, rows: 0 };
  return { columns: view.getUint16(COLUMNS, true), rows: view.getUint16(0, true) };
}

/** Like isatty(3), without the socket code that node:tty loads. */
export function isTerminal(fd: number): boolean {
  return libc.ioctl(fd, Ioctl.TCGETS, scratch.address) === 0;
}

/** The modes of a terminal (struct termios) as text for comparison; undefined for another file. */
export function terminalModes(fd: number): string | undefined {
  if (libc.ioctl(fd, Ioctl.TCGETS, scratch.address) < 0) return undefined;
  return Buffer.from(scratch.bytes.subarray(0, MODES)).toString("hex");
}

/** True for a terminal that was hung up, such as a closed window. */
export function isHungUp(fd: number): boolean {
  return libc.ioctl(fd, Ioctl.TCGETS, scratch.address) < 0 && errno() === Errno.EIO;
}

/** asm-generic/ioctls.h, the same on x64 and arm64. */
const Ioctl = { TCGETS: 0x5401, TIOCGPGRP: 0x540f, TIOCGWINSZ: 0x5413 } as const;
/** struct termios: four words of flags, the last is c_lflag; then characters; 36 bytes in all. */
const MODES = 36;
const LOCAL_MODES = 12;
const ICANON = 2;
/** struct winsize: unsigned short ws_row, ws_col, ... */
const COLUMNS = 2;
const scratch = new Memory(64);
