import { lstatSync, readlinkSync, type Stats, statfsSync, statSync } from "node:fs";
import { PortholeError } from "../../errors.ts";
import { formatPath } from "./file.ts";

/**
 * Refuses to replace anything but a regular file or a link to one: a name such as /dev/stdout or
 * /dev/null is meant to be written into. A name that does not exist is accepted.
 * @param path where the name is; @param shown its path for the message
 * @param options.links also accept every link: a copied link replaces an earlier copy of it
 * @throws PortholeError FILE: EEXIST, EISDIR
 */
export function checkReplaceable(path: Buffer, shown: Buffer, { links = false } = {}): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined || stat.isFile() || (links && stat.isSymbolicLink())) return;
  if (stat.isDirectory())
    throw new PortholeError("FILE", `cannot create ${formatPath(shown)}: Is a directory`, { errno: "EISDIR" });
  const what = stat.isSymbolicLink() ? linkKind(path) : kindText(stat);
  if (what === undefined) return;
  throw new PortholeError("FILE", `cannot create ${formatPath(shown)}: it is ${what}`, {
    errno: "EEXIST",
    hint: /link to (a directory|nothing)$/.test(what) ? "remove the link first" : "porthole cat and > write into it",
  });
}

/** Says what a link leads to; undefined for a regular file. */
function linkKind(path: Buffer): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return "a link to nothing";
  if (!stat.isFile()) return `a link to ${kindText(stat)}`;
  return leadsToProc(path) ? "a link to an open file" : undefined;
}

/**
 * True if a link in a chain leads into a proc file system, as /dev/stdout leads to /proc/self/fd/1.
 */
function leadsToProc(link: Buffer): boolean {
  let at = link;
  for (let hop = 0; hop < MAX_LINKS && lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink(); hop++) {
    const text = readlinkSync(at, "buffer");
    at = text[0] === SLASH ? text : Buffer.concat([directoryOf(at), text]);
    if (statfsSync(directoryOf(at)).type === PROC_SUPER_MAGIC) return true;
  }
  return false;
}

/** The directory of a path, with a slash at its end; `./` for a plain name. */
function directoryOf(path: Buffer): Buffer {
  const end = path.lastIndexOf(SLASH);
  return end === -1 ? Buffer.from("./") : path.subarray(0, end + 1);
}

function kindText(stat: Stats): string {
  if (stat.isDirectory()) return "a directory";
  if (stat.isFIFO()) return "a FIFO";
  if (stat.isSocket()) return "a socket";
  return stat.isBlockDevice() ? "a block device" : "a character device";
}

const SLASH = 0x2f;
/** Links that the kernel follows in one path (path_resolution(7)). */
const MAX_LINKS = 40;
/** File system type of proc (statfs(2)). */
const PROC_SUPER_MAGIC = 0x9fa0;
