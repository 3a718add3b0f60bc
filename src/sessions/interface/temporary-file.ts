import { constants, fstatSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { O_TMPFILE_BIT } from "../../descriptors/constants.ts";
import { OwnedFd } from "../../descriptors/owned-fd.ts";
import { messageOf, PortholeError } from "../../errors.ts";
import type { FileStat } from "../../protocol/file-stat.ts";

/**
 * Opens an unnamed file in TMPDIR, else /var/tmp, for reading and writing (open(2), O_TMPFILE). On
 * file systems without O_TMPFILE, creates a file and unlinks it. The caller closes it.
 * @throws PortholeError FILE
 */
export function temporaryFile(purpose: string): OwnedFd {
  const directory = process.env.TMPDIR || "/var/tmp";
  const flags = constants.O_RDWR | constants.O_DIRECTORY | O_TMPFILE_BIT;
  try {
    return OwnedFd.adopt(openSync(directory, flags, 0o600));
  } catch (error) {
    if (!UNSUPPORTED.has((error as NodeJS.ErrnoException).code ?? "")) throw temporaryFileError(error, purpose);
  }
  try {
    const own = mkdtempSync(`${directory}/porthole-`);
    try {
      return OwnedFd.adopt(openSync(`${own}/output`, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600));
    } finally {
      rmSync(own, { recursive: true });
    }
  } catch (error) {
    throw temporaryFileError(error, purpose);
  }
}

/** Opens the file again, read-only, at offset 0. The caller closes both. */
export function readOnly(file: OwnedFd): OwnedFd {
  return OwnedFd.adopt(openSync(`/proc/self/fd/${file.number}`, constants.O_RDONLY));
}

/** Errors of file systems and kernels without O_TMPFILE (open(2)). */
const UNSUPPORTED = new Set(["EOPNOTSUPP", "ENOTSUP", "EISDIR", "EINVAL"]);

/** The error for a failed operation on a temporary file. `purpose` describes its content. */
export function temporaryFileError(error: unknown, purpose: string): PortholeError {
  if (error instanceof PortholeError) return error;
  return new PortholeError("FILE", `no room for ${purpose} on this machine: ${messageOf(error)}`, {
    errno: (error as NodeJS.ErrnoException).code,
    cause: error,
    hint: "set TMPDIR to a directory with free space",
  });
}

/** The stat of a local file, in the format of an agent's reply. */
export function temporaryStat(fd: OwnedFd): FileStat {
  const stat = fstatSync(fd.number, { bigint: true });
  const device = { major: Number(stat.dev >> 8n), minor: Number(stat.dev & 0xffn) };
  return {
    ...{ mode: Number(stat.mode), links: 1, uid: Number(stat.uid), gid: Number(stat.gid), size: stat.size },
    ...{ blocks: stat.blocks, inode: stat.ino, device, rdev: { major: 0, minor: 0 }, mountId: 0n, relayed: false },
    ...{ atime: stat.atimeNs, mtime: stat.mtimeNs, ctime: stat.ctimeNs, btime: stat.birthtimeNs },
  };
}
