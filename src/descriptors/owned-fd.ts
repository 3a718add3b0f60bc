import { PortholeError } from "../errors.ts";
import { Errno, systemError } from "./errno.ts";
import { errno, libc } from "./libc.ts";

const F_DUPFD_CLOEXEC = 1030;

/**
 * A descriptor with one owner, closed exactly once. Whoever holds the object closes it; passing it to a function lends it, unless that
 * function says it takes it.
 */
export class OwnedFd implements Disposable, AsyncDisposable {
  #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Becomes the owner of `fd`: nobody else may close it from now on. */
  static adopt(fd: number): OwnedFd {
    if (!Number.isInteger(fd) || fd < 0) throw new RangeError(`not a descriptor: ${fd}`);
    return new OwnedFd(fd);
  }

  /** The descriptor's number, for a call that borrows it. Throws when it is closed or taken. */
  get number(): number {
    if (this.#fd < 0) throw new PortholeError("FILE", "the descriptor is already closed", { errno: "EBADF" });
    return this.#fd;
  }

  get closed(): boolean {
    return this.#fd < 0;
  }

  /** Gives the descriptor away; the caller closes it. This object is closed afterwards. */
  take(): number {
    const fd = this.number;
    this.#fd = -1;
    return fd;
  }

  /** A second descriptor of the same open file (shared offset and flags), close-on-exec. The caller closes it. */
  duplicate(): OwnedFd {
    const fd = libc.fcntl(this.number, F_DUPFD_CLOEXEC, 0);
    if (fd >= 0) return new OwnedFd(fd);
    const error = errno();
    throw systemError("FILE", `cannot duplicate descriptor ${this.#fd}`, error);
  }

  /**
   * Closes; a second call does nothing. close(2) is not retried on EINTR: on Linux the number is free by then. What a file system
   * reports at close is ignored, for a container's file must not break a clean-up; EBADF is thrown, for then two owners closed one number.
   */
  close(): void {
    if (this.#fd < 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    if (libc.close(fd) === 0) return;
    const error = errno();
    if (error === Errno.EBADF) throw systemError("FILE", `descriptor ${fd} was closed by somebody else`, error);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
