import { constants, linkSync, openSync, renameSync, unlinkSync } from "node:fs";
import { PortholeError } from "../../errors.ts";
import { AT_FDCWD, AT_SYMLINK_FOLLOW, O_TMPFILE_BIT, RENAME_NOREPLACE } from "../constants.ts";
import { Errno, systemError } from "../errno.ts";
import { errno, libc, SystemCall } from "../libc.ts";
import { OwnedFd } from "../owned-fd.ts";
import { cString, type FileTimes, setTimes } from "./file-times.ts";
import { createError, createTemporary, type LocalDirectory } from "./local-directory.ts";

/**
 * A regular file that receives its name when it is complete. Until then it is unnamed (open(2),
 * O_TMPFILE), so the kernel removes it however this process ends. On file systems without O_TMPFILE
 * its name is `NAME.part` until then; a long NAME is truncated.
 */
export class NewFile implements Disposable {
  readonly #directory: LocalDirectory;
  readonly #name: Buffer;
  readonly #fd: OwnedFd;
  /** The temporary name of the file; undefined while it is unnamed. */
  #part: Buffer | undefined;

  private constructor(directory: LocalDirectory, name: Buffer, fd: OwnedFd, part: Buffer | undefined) {
    this.#directory = directory;
    this.#name = name;
    this.#fd = fd;
    this.#part = part;
  }

  /**
   * Creates the file, mode 0600. `directory` must stay open until {@link complete} or {@link
   * close}. Throws FILE with the errno: EEXIST for an existing `NAME.part` or a name that {@link
   * LocalDirectory.checkReplaceable} refuses, EISDIR, ENOSPC, EROFS.
   */
  static create(directory: LocalDirectory, name: Buffer): NewFile {
    directory.checkReplaceable(name);
    const unnamed = openUnnamed(directory, name);
    if (unnamed !== undefined) return new NewFile(directory, name, unnamed, undefined);
    const part = partOf(name);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    try {
      return new NewFile(directory, name, OwnedFd.adopt(openSync(directory.at(part), flags, 0o600)), part);
    } catch (error) {
      throw partError(directory.nameFor(part), error);
    }
  }

  /** The descriptor to write to. The caller must not close it. */
  get fd(): number {
    return this.#fd.number;
  }

  /**
   * Sets the file's permission bits and times, gives it its name, and closes it. `replace`
   * atomically replaces an existing file or link. Throws FILE: EEXIST, EISDIR.
   */
  complete(mode: number, times: FileTimes, { replace = false } = {}): void {
    try {
      if (libc.fchmod(this.fd, mode & 0o777) < 0) throw systemError("FILE", "cannot set the mode", errno());
      setTimes(this.#path(), times);
      if (this.#part === undefined) this.#link(replace);
      else this.#rename(this.#part, replace);
    } catch (error) {
      throw createError(this.#directory.nameFor(this.#name), error);
    } finally {
      this.close();
    }
  }

  /** Removes an incomplete file. Idempotent. */
  close(): void {
    if (this.#part !== undefined) {
      const part = this.#directory.at(this.#part);
      this.#part = undefined;
      try {
        unlinkSync(part);
      } catch {}
    }
    this.#fd.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #path(): Buffer {
    return Buffer.from(`/proc/self/fd/${this.fd}`);
  }

  #link(replace: boolean): void {
    const code = this.#linkTo(this.#name);
    if (code === 0) return;
    if (code !== Errno.EEXIST || !replace) throw systemError("FILE", "cannot link", code);
    const temporary = createTemporary((name) => {
      const again = this.#linkTo(name);
      if (again !== 0) throw systemError("FILE", "cannot link", again);
    });
    this.#directory.replace(temporary, this.#name);
  }

  /** Links the file to a name. Returns 0, or the errno. */
  #linkTo(name: Buffer): number {
    const [from, to] = [cString(this.#path()), cString(this.#directory.at(name))];
    return libc.linkat(AT_FDCWD, from.address, AT_FDCWD, to.address, AT_SYMLINK_FOLLOW) === 0 ? 0 : errno();
  }

  #rename(part: Buffer, replace: boolean): void {
    const [from, to] = [this.#directory.at(part), this.#directory.at(this.#name)];
    if (replace) renameSync(from, to);
    else renameNew(from, to);
    this.#part = undefined;
  }
}

/**
 * Renames a file to a name that does not exist. rename(2) alone would replace a file that appeared
 * meanwhile.
 */
function renameNew(from: Buffer, to: Buffer): void {
  const [old, name] = [cString(from), cString(to)];
  if (libc.renameat2(SystemCall.renameat2, AT_FDCWD, old.address, AT_FDCWD, name.address, RENAME_NOREPLACE) === 0)
    return;
  const error = errno();
  if (error !== Errno.EINVAL && error !== Errno.ENOSYS) throw systemError("FILE", "cannot rename", error);
  // The file system, such as NFS, does not support the flag, but supports hard links.
  linkSync(from, to);
  unlinkSync(from);
}

/** Opens an unnamed file. Undefined if the file system or kernel does not support O_TMPFILE. */
function openUnnamed(directory: LocalDirectory, name: Buffer): OwnedFd | undefined {
  const flags = constants.O_WRONLY | constants.O_DIRECTORY | O_TMPFILE_BIT;
  try {
    return OwnedFd.adopt(openSync(`/proc/self/fd/${directory.descriptor.number}`, flags, 0o600));
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (UNSUPPORTED.has(code)) return undefined;
    // Linux returns EPERM for a removed directory.
    if (code === "EPERM" && directory.stat.nlink === 0) {
      const cause = systemError("FILE", "the directory was removed", Errno.ENOENT);
      throw createError(directory.nameFor(name), cause);
    }
    throw createError(directory.nameFor(name), error);
  }
}

function partError(path: Buffer, cause: unknown): PortholeError {
  const { code, message, errno } = createError(path, cause);
  const hint = errno === "EEXIST" ? "an interrupted copy left it: remove it" : undefined;
  return new PortholeError(code, message, { errno, hint, cause });
}

/** The temporary name for a name; both are at most {@link NAME_MAX} bytes long. */
function partOf(name: Buffer): Buffer {
  return Buffer.concat([name.subarray(0, NAME_MAX - PART.length), PART]);
}

const PART = Buffer.from(".part");
/** Maximum bytes of a file name (limits.h). */
const NAME_MAX = 255;

const UNSUPPORTED = new Set(["EOPNOTSUPP", "ENOTSUP", "EISDIR", "ENOENT", "EINVAL"]);
