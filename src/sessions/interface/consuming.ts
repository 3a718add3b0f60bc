import { constants } from "node:fs";
import { PortholeError } from "../../errors.ts";
import type { FileStat } from "../../protocol/file-stat.ts";

const { S_IFCHR, S_IFIFO, S_IFMT } = constants;

/** The fields of {@link FileStat} that decide whether reading consumes data. */
export interface FileType {
  /** `st_mode`. */
  mode: number;
  rdev: { major: number; minor: number };
}

/**
 * Minor numbers of memory devices (major 1) whose readers do not share data: null, zero, full,
 * random, urandom, kmsg.
 */
const LOSSLESS = [3, 5, 7, 8, 9, 11];
const MEMORY_DEVICES = 1;

/**
 * True if reading consumes data, or opening alone has an effect: FIFOs, pipes and most character
 * devices.
 */
export function kindConsumes({ mode, rdev }: FileType): boolean {
  const type = mode & S_IFMT;
  if (type === S_IFIFO) return true;
  return type === S_IFCHR && !(rdev.major === MEMORY_DEVICES && LOSSLESS.includes(rdev.minor));
}

/** File systems whose regular files may consume what is read, by the magic numbers of statfs(2). */
const PROC = 0x9fa0;
const TRACING = [0x74726163, 0x64626720];

/**
 * Does the same for files that only their name identifies: `/proc/kmsg` (proc_kmsg(5)) and
 * `trace_pipe` of ftrace. `magic` returns the file system's number.
 */
export function nameConsumes(name: string, magic: () => number): boolean {
  if (name === "kmsg") return magic() === PROC;
  return name.startsWith("trace_pipe") && TRACING.includes(magic());
}

/**
 * The error for a file that was not opened because reading consumes its data.
 * @param what names the request: `cannot open web:/run/queue`
 * @param output the target that shows the same bytes: `web:@stdout`
 */
export function consumingError(what: string, stat: FileStat, output?: string): PortholeError {
  const hint = insteadOf(output, "--consume reads it anyway");
  return new PortholeError("FILE", `${what}: ${takenBy(stat)}`, { hint, consumes: { ...consequences(stat), output } });
}

function consequences(stat: FileType): { kind: string; does: string; effect: string } {
  const does = "consumes its data";
  const { major, minor } = stat.rdev;
  switch (stat.mode & S_IFMT) {
    case S_IFIFO:
      return { kind: "a pipe", does, effect: "Bytes that are shown here do not reach its other readers." };
    case S_IFCHR:
      if (isTerminalMaker(stat))
        return {
          kind: "a pseudoterminal multiplexer",
          does: "creates a terminal",
          effect: "The terminal exists until the view is closed.",
        };
      if (TERMINALS.has(major))
        return { kind: "a terminal", does, effect: "Input that is shown here does not reach its programs." };
      return {
        kind: `device ${major},${minor}`,
        does: "may consume its data",
        effect: "Bytes that are shown here may not reach its other readers.",
      };
    default:
      return { kind: "a kernel log", does, effect: "Lines that are shown here do not reach its other readers." };
  }
}

/**
 * Returns the remedy for a file that was not opened: `way`, and the target that shows the same
 * bytes.
 */
export function insteadOf(output: string | undefined, way: string): string {
  return output === undefined ? way : `${output} shows the container's output; ${way}`;
}

function takenBy({ mode, rdev }: FileType): string {
  switch (mode & S_IFMT) {
    case S_IFIFO:
      return "reading would consume the pipe's data";
    case S_IFCHR:
      return deviceTakes({ mode, rdev });
    default:
      return "reading would consume its data";
  }
}

/** True for /dev/ptmx and /dev/pts/ptmx. */
function isTerminalMaker({ mode, rdev }: FileType): boolean {
  return (mode & S_IFMT) === S_IFCHR && rdev.major === 5 && rdev.minor === 2;
}

function deviceTakes(device: FileType): string {
  const { major, minor } = device.rdev;
  const number = `${major},${minor}`;
  if (isTerminalMaker(device)) return `opening device ${number} (ptmx) would create a terminal`;
  if (TERMINALS.has(major)) return "reading would consume the terminal's input";
  return `reading device ${number} may consume its data`;
}

/**
 * Major numbers of terminals (Documentation/admin-guide/devices.txt): virtual, serial, /dev/tty,
 * pseudoterminals, USB.
 */
const TERMINALS = new Set([4, 5, 136, 137, 138, 139, 140, 141, 142, 143, 166, 188, 204, 229]);
