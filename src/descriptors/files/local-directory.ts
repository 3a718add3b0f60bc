import { chmodSync, constants, mkdirSync, renameSync, symlinkSync, unlinkSync } from "node:fs";
import { PortholeError } from "../../errors.ts";
import { O_PATH } from "../constants.ts";
import { errnoText } from "../errno.ts";
import type { OwnedFd } from "../owned-fd.ts";
import { formatPath, openPath } from "./file.ts";
import { type FileTimes, setTimes } from "./file-times.ts";
import { checkReplaceable } from "./replaceable.ts";
import { type Statx, statx } from "./statx.ts";

/**
 * A directory of this machine that receives files under names from a container. Every name is
 * resolved relative to the directory's descriptor, and its last component is never followed. So no
 * link can redirect a write, even in a directory that the container can write to.
 */
export class LocalDirectory implements Disposable {
  readonly #fd: OwnedFd;
  /** Its path, for messages. */
  readonly path: Buffer;
  /** True if {@link subdirectory} made it. */
  readonly isNew: boolean;

  private constructor(fd: OwnedFd, path: Buffer, isNew: boolean) {
    this.#fd = fd;
    this.path = path;
    this.isNew = isNew;
  }

  /** Opens a directory that the user named; follows links. Throws FILE: ENOENT, ENOTDIR. */
  static open(path: Buffer): LocalDirectory {
    return new LocalDirectory(openPath(path, O_PATH | constants.O_DIRECTORY), path, false);
  }

  /**
   * Creates the directory `name` (mode 0700), or opens it if it exists. The caller closes it.
   * Throws FILE with the errno: ENOTDIR for a link or file of that name.
   */
  subdirectory(name: Buffer): LocalDirectory {
    const path = this.nameFor(name);
    const at = this.at(name);
    let isNew = true;
    try {
      mkdirSync(at, 0o700);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw createError(path, error);
      isNew = false;
    }
    try {
      return new LocalDirectory(openPath(at, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW), path, isNew);
    } catch (error) {
      throw createError(path, error);
    }
  }

  /**
   * Creates a symbolic link; `replace` replaces an existing file or link. Throws FILE with the
   * errno: EEXIST, EISDIR.
   */
  link(name: Buffer, text: Buffer, times: FileTimes, { replace = false } = {}): void {
    const make = (as: Buffer) => {
      const at = this.at(as);
      symlinkSync(text, at);
      setTimes(at, times, { noFollow: true });
    };
    this.checkReplaceable(name, { links: true });
    try {
      if (replace) this.replace(createTemporary(make), name);
      else make(name);
    } catch (error) {
      throw createError(this.nameFor(name), error);
    }
  }

  /**
   * Refuses a name of a device, FIFO, socket or directory, or of a link to one. `links` accepts
   * every link. Does nothing in a directory that this process made. Throws FILE: EEXIST, EISDIR.
   */
  checkReplaceable(name: Buffer, options?: { links: boolean }): void {
    if (this.isNew) return;
    try {
      checkReplaceable(this.at(name), this.nameFor(name), options);
    } catch (error) {
      throw error instanceof PortholeError ? error : createError(this.nameFor(name), error);
    }
  }

  /**
   * Renames a file of the directory, and replaces a file or link of the new name atomically. On
   * error, removes the file and throws Node's error: EISDIR.
   */
  replace(temporary: Buffer, name: Buffer): void {
    const from = this.at(temporary);
    try {
      renameSync(from, this.at(name));
    } catch (error) {
      unlinkSync(from);
      throw error;
    }
  }

  /**
   * Sets the directory's permission bits and times. Call this last: creating files changes the
   * times, and the final mode may forbid it.
   */
  finish(mode: number, times: FileTimes): void {
    const path = Buffer.from(`/proc/self/fd/${this.#fd.number}`);
    try {
      chmodSync(path, mode & 0o777);
      setTimes(path, times);
    } catch (error) {
      throw createError(this.path, error);
    }
  }

  get stat(): Statx {
    return statx(this.#fd);
  }

  /** A /proc/self/fd path of a name in the directory, for calls that take no descriptor. */
  at(name: Buffer): Buffer {
    checkName(name);
    return Buffer.concat([Buffer.from(`/proc/self/fd/${this.#fd.number}/`), name]);
  }

  /** The directory's descriptor. The caller must not close it. */
  get descriptor(): OwnedFd {
    return this.#fd;
  }

  /** The path of a name, for messages. */
  nameFor(name: Buffer): Buffer {
    const isRoot = this.path.at(-1) === SLASH;
    return Buffer.concat([this.path, Buffer.from(isRoot ? "" : "/"), name]);
  }

  /** Idempotent. */
  close(): void {
    this.#fd.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Calls `create` with temporary names until a call succeeds. Does not replace an existing file,
 * because a container may use such a name too. Returns the name: `.porthole-4242-0.part`.
 */
export function createTemporary(create: (name: Buffer) => void): Buffer {
  for (let attempt = 1; ; attempt++) {
    const name = Buffer.from(`.porthole-${process.pid}-${count++}.part`);
    try {
      create(name);
      return name;
    } catch (error) {
      const { code, errno } = error as { code?: unknown; errno?: unknown };
      if ((code !== "EEXIST" && errno !== "EEXIST") || attempt === ATTEMPTS) throw error;
    }
  }
}

let count = 0;
const ATTEMPTS = 100;

/** The error for a failed creation: `cannot create out/a: File exists`. */
export function createError(path: Buffer, error: unknown): PortholeError {
  const { code, errno } = error as NodeJS.ErrnoException;
  const name = error instanceof PortholeError ? error.errno : code;
  const text =
    error instanceof PortholeError
      ? error.message.slice(error.message.lastIndexOf(": ") + 2)
      : errno === undefined
        ? (error as Error).message
        : errnoText(Math.abs(errno));
  return new PortholeError("FILE", `cannot create ${formatPath(path)}: ${text}`, { errno: name, cause: error });
}

/** Rejects a name that is not one path component: names come from a container. */
function checkName(name: Buffer): void {
  const text = name.toString("latin1");
  if (text === "" || text === "." || text === ".." || /[/\0]/.test(text))
    throw new PortholeError("FILE", `cannot create '${text}': not a valid file name`, { errno: "EINVAL" });
}

const SLASH = 0x2f;
