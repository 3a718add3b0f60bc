import { PortholeError } from "../errors.ts";
import { F_DUPFD_CLOEXEC } from "./constants.ts";
import { Errno, systemError } from "./errno.ts";
import { errno, libc } from "./libc.ts";

/**
 * A descriptor with one owner that closes it exactly once. A function that receives this object
 * borrows it, unless its documentation says that it takes ownership.
 */
export class OwnedFd implements Disposable, AsyncDisposable {
  #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Takes ownership of `fd`: no other code may close it. */
  static adopt(fd: number): OwnedFd {
    if (!Number.isInteger(fd) || fd < 0) throw new RangeError(`not a descriptor: ${fd}`);
    return new OwnedFd(fd);
  }

  /** The descriptor's number, for a call that borrows it. Throws if closed or taken. */
  get number(): number {
    if (this.#fd < 0) throw new PortholeError("FILE", "the descriptor is already closed", { errno: "EBADF" });
    return this.#fd;
  }

  get closed(): boolean {
    return this.#fd < 0;
  }

  /** Releases the descriptor to the caller, who closes it. This object counts as closed. */
  take(): number {
    const fd = this.number;
    this.#fd = -1;
    return fd;
  }

  /**
   * A second descriptor of the same open file (shared offset and flags), close-on-exec. The caller
   * closes it.
   */
  duplicate(): OwnedFd {
    const fd = libc.fcntl(this.number, F_DUPFD_CLOEXEC, 0);
    if (fd >= 0) return new OwnedFd(fd);
    const error = errno();
    throw systemError("FILE", `cannot duplicate descriptor ${this.#fd}`, error);
  }

  /**
   * Idempotent. close(2) is not retried on EINTR: Linux has already freed the number. Errors of the
   * file system are ignored, so that a container's file cannot break a clean-up. EBADF is thrown:
   * two owners closed one number.
   */
  close(): void {
    if (this.#fd < 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    if (libc.close(fd) === 0) return;
    const error = errno();
    if (error === Errno.EBADF) throw systemError("FILE", `descriptor ${fd} was closed by other code`, error);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
