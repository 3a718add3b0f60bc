import { constants, ftruncateSync, writeSync } from "node:fs";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import type { TarEntry, TarPart } from "../../engines/layers/tar-reader.ts";
import { PortholeError } from "../../errors.ts";
import { OpenFile } from "../interface/open-file.ts";
import { readOnly, temporaryFile, temporaryFileError } from "../interface/temporary-file.ts";
import { statOfEntry } from "./copied-files.ts";

/** Maximum size in bytes of a file that is copied. */
const MAX_BYTES = 4 * 1024 ** 3;

const PURPOSE = "the copy of a file";

/**
 * Copies the first member of an archive into an unnamed file. For a directory, copies only the
 * stat. Returns a link without following it.
 * @param at the path of the archive
 * @param path the path as requested, for the open file
 * @throws PortholeError FILE: ENOENT for an empty archive, ENXIO for a device or FIFO, EFBIG; what
 * the archive throws
 */
export async function copyFromArchive(
  archive: AsyncGenerator<TarPart>,
  at: string,
  path: string,
): Promise<OpenFile | TarEntry> {
  let fd: OwnedFd | undefined;
  let file: TarEntry | undefined;
  let written = 0;
  try {
    for await (const part of archive) {
      if ("content" in part) {
        if (fd !== undefined) writePiece(fd, part.content, written);
        written += part.content.length;
      } else if (file === undefined) {
        file = part.entry;
        if (typeOf(file) === constants.S_IFLNK) return file;
        fd = temporaryFile(PURPOSE);
        if (typeOf(file) === constants.S_IFDIR) break;
        requireContent(file);
      } else break;
    }
    if (file === undefined || fd === undefined)
      throw new PortholeError("FILE", "No such file or directory", { errno: "ENOENT" });
    ftruncateSync(fd.number, file.size);
    return new OpenFile(path, readOnly(fd), statOfEntry(at, file));
  } catch (error) {
    throw error instanceof PortholeError ? error : temporaryFileError(error, PURPOSE);
  } finally {
    fd?.close();
  }
}

function requireContent(entry: TarEntry): void {
  if (typeOf(entry) !== constants.S_IFREG)
    throw new PortholeError("FILE", "the engine does not copy devices and FIFOs", { errno: "ENXIO" });
  if (entry.size > MAX_BYTES)
    throw new PortholeError("FILE", `${entry.size} bytes exceed the limit of 4 GiB for a copy`, {
      errno: "EFBIG",
      hint: "copy it with docker cp or podman cp",
    });
}

function typeOf({ mode }: TarEntry): number {
  return mode & constants.S_IFMT;
}

/** Writes a piece. Skips zeros, which an archive has in place of holes. */
function writePiece(fd: OwnedFd, bytes: Buffer, at: number): void {
  if (bytes.length >= 4096 && bytes.equals(ZEROS.subarray(0, bytes.length))) return;
  for (let done = 0; done < bytes.length; ) done += writeSync(fd.number, bytes, done, bytes.length - done, at + done);
}

/** Zeros to compare with. The length is that of the longest piece. */
const ZEROS = Buffer.alloc(65_536);
