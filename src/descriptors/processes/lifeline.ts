import { F_SETFL, F_SETOWN, F_SETSIG, O_ASYNC, SIGKILL } from "../constants.ts";
import { Errno, systemError } from "../errno.ts";
import { pipe, setInheritable } from "../files/file.ts";
import { errno, libc } from "../libc.ts";
import type { OwnedFd } from "../owned-fd.ts";

/**
 * Kills a child when this process ends, also by SIGKILL. The child inherits the read end of a pipe
 * whose write end only this process holds. When that closes, the kernel sends the signal of
 * F_SETSIG to the owner of the read end (fcntl(2), O_ASYNC). PR_SET_PDEATHSIG would do the same,
 * but posix_spawn(3) runs no code of ours before exec.
 */
export class Lifeline implements Disposable {
  readonly #reader: OwnedFd;
  readonly #writer: OwnedFd;

  /** The next child that is started inherits the lifeline. */
  constructor() {
    [this.#reader, this.#writer] = pipe();
    setInheritable(this.#reader.number);
  }

  /**
   * Ties the child, which has just been started, to this process.
   * @throws PortholeError FILE with the errno
   */
  tie(pid: number): void {
    const fd = this.#reader.number;
    for (const [command, argument] of [
      [F_SETSIG, SIGKILL],
      [F_SETOWN, pid],
      [F_SETFL, O_ASYNC],
    ] as const) {
      if (libc.fcntl(fd, command, argument) >= 0) continue;
      const error = errno();
      // The child has already ended.
      if (error !== Errno.ESRCH) throw systemError("FILE", "cannot tie a child to this process", error);
    }
    this.#reader.close();
  }

  /** Kills the child if it still runs. Idempotent. */
  [Symbol.dispose](): void {
    this.#reader.close();
    this.#writer.close();
  }
}
