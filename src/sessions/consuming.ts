import { constants } from "node:fs";
import { PortholeError } from "../errors.ts";
import type { FileStat } from "../protocol/file-stat.ts";

/** What of {@link FileStat} tells the kind of a file. */
export interface FileType {
  /** `st_mode`. */
  mode: number;
  rdev: { major: number; minor: number };
}

/** Minor numbers of the memory devices (major 1) of which each open reads for itself: null, zero, full, random, urandom, kmsg. */
const LOSSLESS = [3, 5, 7, 8, 9, 11];
const MEMORY_DEVICES = 1;

/** True where reading takes data away, or opening alone may change something: FIFOs, pipes, and devices but for a few. */
export function kindConsumes({ mode, rdev }: FileType): boolean {
  const type = mode & constants.S_IFMT;
  if (type === constants.S_IFIFO) return true;
  return type === constants.S_IFCHR && !(rdev.major === MEMORY_DEVICES && LOSSLESS.includes(rdev.minor));
}

/** File systems, by the magic numbers of statfs(2), with files that are regular ones by their mode and lose what is read. */
const PROC = 0x9fa0;
const TRACING = [0x74726163, 0x64626720];

/** The same for what only the name tells: `/proc/kmsg` (proc_kmsg(5)), `trace_pipe` of ftrace. `magic` asks for the file system. */
export function nameConsumes(name: string, magic: () => number): boolean {
  if (name === "kmsg") return magic() === PROC;
  return name.startsWith("trace_pipe") && TRACING.includes(magic());
}

/**
 * Says that a file was not opened because that takes data away.
 * @param what names the request: `cannot open web:/run/queue`
 * @param output the target that shows the same bytes: `web:@stdout`
 */
export function consumingError(what: string, stat: FileStat, output?: string): PortholeError {
  const does = isTerminalMaker(stat) ? "makes a new terminal" : "takes data away";
  const hint = insteadOf(output, "--consume reads it all the same");
  return new PortholeError("FILE", `${what}: ${takenBy(stat)}`, { hint, consumes: { does, output } });
}

/** What to do instead of an open that would take data away: `way`, and where the data is kept. */
export function insteadOf(output: string | undefined, way: string): string {
  return output === undefined ? way : `${output} shows the container's output; ${way}`;
}

function takenBy({ mode, rdev }: FileType): string {
  switch (mode & constants.S_IFMT) {
    case constants.S_IFIFO:
      return "reading a pipe takes its data away from the program that waits for it";
    case constants.S_IFCHR:
      return deviceTakes({ mode, rdev });
    default:
      return "what is read from it is gone for the program that waits for it";
  }
}

/** /dev/ptmx, and /dev/pts/ptmx. */
function isTerminalMaker({ mode, rdev }: FileType): boolean {
  return (mode & constants.S_IFMT) === constants.S_IFCHR && rdev.major === 5 && rdev.minor === 2;
}

function deviceTakes(device: FileType): string {
  const { major, minor } = device.rdev;
  const number = `${major},${minor}`;
  if (isTerminalMaker(device)) return `opening device ${number} (ptmx) makes a new terminal`;
  if (TERMINALS.has(major)) return "reading a terminal takes away what is typed there";
  return `reading device ${number} may take its data away from the program that uses it`;
}

/** Major numbers of terminals (Documentation/admin-guide/devices.txt): virtual and serial, /dev/tty, pseudo terminals, USB. */
const TERMINALS = new Set([4, 5, 136, 137, 138, 139, 140, 141, 142, 143, 166, 188, 204, 229]);
