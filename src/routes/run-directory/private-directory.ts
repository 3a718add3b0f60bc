import type { ChildProcess } from "node:child_process";
import {
  chmodSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { isAbsolute, join } from "node:path";
import { openPath, tryLock } from "../../descriptors/files/file.ts";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import { messageOf, PortholeError } from "../../errors.ts";
import { startGuard } from "./guard-process.ts";
import { ensureRunDirectory } from "./run-dir.ts";

/**
 * A directory of mode 0700 for one command. The process locks a file next to it (flock(2)), so that
 * a later command recognises and removes the leftovers of a killed one.
 */
export class PrivateDirectory {
  readonly path: string;
  readonly #lock: OwnedFd;
  #guard: ChildProcess | undefined;

  private constructor(path: string, lock: OwnedFd) {
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Creates a directory after it removes those of ended processes. Its parent is below
   * `$XDG_RUNTIME_DIR`, a tmpfs that ends with the login, else `/dev/shm`, else the run directory.
   * @param purpose name of the parent directory
   * @throws PortholeError ATTACH if the run directory cannot be trusted; FILE with the errno
   */
  static make(purpose: string): PrivateDirectory {
    const parent = join(baseDirectory(), purpose);
    try {
      makeOwn(parent);
      sweep(parent);
      for (let attempt = 0; ; attempt++) {
        const made = tryMake(join(parent, `${process.pid}-${attempt}`));
        if (made !== undefined) return new PrivateDirectory(...made);
      }
    } catch (error) {
      if (error instanceof PortholeError) throw error;
      throw new PortholeError("FILE", `cannot create a private directory: ${messageOf(error)}`, {
        errno: (error as NodeJS.ErrnoException).code,
        hint: "set XDG_RUNTIME_DIR or XDG_STATE_HOME to a writable directory",
        cause: error,
      });
    }
  }

  /**
   * Starts a guard ({@link startGuard}) that removes the directory if this process is killed. If it
   * cannot start, a later command removes the directory.
   */
  guard(): this {
    const script = 'read -r _; chmod -R u+rwx -- "$1"; exec rm -rf -- "$@"';
    const env = { PATH: process.env.PATH ?? "/usr/bin:/bin" };
    this.#guard = startGuard("/bin/sh", ["-c", script, "sh", this.path, this.path + LOCK], env);
    return this;
  }

  /** Removes the directory with its content. Idempotent. */
  remove(): void {
    if (this.#lock.closed) return;
    removeEmpty(this.path);
    this.#lock.close();
    this.#guard?.kill("SIGKILL");
  }
}

function baseDirectory(): string {
  const runtime = process.env.XDG_RUNTIME_DIR;
  if (runtime !== undefined && isAbsolute(runtime) && isOurs(runtime)) return join(runtime, "porthole");
  // /dev/shm is a tmpfs too: 10,000 links take 80 ms in it, and up to 10 s on a busy disk.
  const shared = `/dev/shm/porthole-${process.geteuid?.()}`;
  try {
    makeOwn(shared);
    return shared;
  } catch {
    return ensureRunDirectory().root;
  }
}

function isOurs(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && stat.uid === process.geteuid?.() && (stat.mode & 0o077) === 0;
}

function makeOwn(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (!isOurs(path))
    throw new PortholeError("FILE", `${path} cannot be trusted: it must belong to you and have mode 0700`, {
      errno: "EPERM",
      hint: "remove it",
    });
}

/** Removes directories that no process has locked. */
function sweep(parent: string): void {
  for (const name of readdirSync(parent)) {
    if (!name.endsWith(LOCK)) continue;
    const lock = lockAt(join(parent, name));
    if (lock === undefined) continue;
    removeBoth(join(parent, name.slice(0, -LOCK.length)));
    lock.close();
  }
}

const LOCK = ".lock";

function tryMake(path: string): [string, OwnedFd] | undefined {
  const lock = lockAt(path + LOCK);
  if (lock === undefined) return undefined;
  mkdirSync(path, { mode: 0o700 });
  return [path, lock];
}

/**
 * Returns the locked file; undefined if another process holds the lock or removed the file
 * meanwhile.
 */
function lockAt(path: string): OwnedFd | undefined {
  const fd = openPath(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    if (tryLock(fd) && statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd.number).ino) return fd;
  } catch (error) {
    fd.close();
    throw error;
  }
  fd.close();
  return undefined;
}

/** Node loads code for a removal with content: only what is not empty needs it. */
function removeEmpty(path: string): void {
  try {
    rmdirSync(path);
    unlinkSync(path + LOCK);
  } catch {
    removeBoth(path);
  }
}

function removeBoth(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EACCES") throw error;
    makeWritable(Buffer.from(path));
    rmSync(path, { recursive: true, force: true });
  }
  rmSync(path + LOCK, { force: true });
}

/** Directories keep their permission bits when they are copied. */
function makeWritable(directory: Buffer): void {
  chmodSync(directory, 0o700);
  for (const entry of readdirSync(directory, { withFileTypes: true, encoding: "buffer" }))
    if (entry.isDirectory()) makeWritable(Buffer.concat([directory, Buffer.from("/"), entry.name]));
}
