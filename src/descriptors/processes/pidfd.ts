import { Errno, systemError } from "../errno.ts";
import { errno, libc } from "../libc.ts";
import { OwnedFd } from "../owned-fd.ts";
import { isReadable } from "../ready.ts";

/** The same numbers on x64 and arm64. */
const PIDFD_SEND_SIGNAL = 424;
const PIDFD_OPEN = 434;

/**
 * A close-on-exec descriptor of the process that has this number now (pidfd_open(2)). Unlike the
 * number it never refers to another process later. Undefined if there is no such process. The
 * caller closes it.
 * @throws PortholeError TARGET with the errno: ENOSYS before Linux 5.3
 */
export function openPidfd(pid: number): OwnedFd | undefined {
  const fd = libc.pidfd_open(PIDFD_OPEN, pid, 0);
  if (fd >= 0) return OwnedFd.adopt(fd);
  const error = errno();
  // The number belongs to a thread: EINVAL, or ENOENT since Linux 6.16.
  if (error === Errno.ESRCH || error === Errno.EINVAL || error === Errno.ENOENT) return undefined;
  throw systemError("TARGET", `cannot open process ${pid}`, error);
}

/** False once the process has ended, also for a zombie. */
export function isAlive(pidfd: OwnedFd): boolean {
  return !isReadable(pidfd.number);
}

/**
 * Sends a signal (pidfd_send_signal(2)). Returns the errno's name on failure, such as EPERM;
 * undefined on success or if the process is gone.
 */
export function signalPidfd(pidfd: OwnedFd, signal: number): string | undefined {
  if (libc.pidfd_send_signal(PIDFD_SEND_SIGNAL, pidfd.number, signal, 0, 0) === 0) return undefined;
  const error = errno();
  return error === Errno.ESRCH ? undefined : systemError("TARGET", "cannot signal", error).errno;
}
