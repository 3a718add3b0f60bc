import { type ErrorCode, PortholeError } from "../errors.ts";
import { libc } from "./libc.ts";

/**
 * Names by number, the same on every supported architecture (include/uapi/asm-generic/errno.h),
 * without aliases.
 */
const NAMES = `
 EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST EXDEV ENODEV
 ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG ENOLCK
 ENOSYS ENOTEMPTY ELOOP - ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC
 EBADSLT - EBFONT ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG EREMOTE ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG
 EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC ELIBBAD ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ
 EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT ENOTSUP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN
 ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN
 EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY
 EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL EHWPOISON`;

/** {@link NAMES} as a list; made for the first error. */
let names: string[] | undefined;

/** The errnos that this folder distinguishes. */
export const Errno = {
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  EBADF: 9,
  EAGAIN: 11,
  EEXIST: 17,
  EXDEV: 18,
  EINVAL: 22,
  EFBIG: 27,
  ENOSPC: 28,
  ESPIPE: 29,
  EPIPE: 32,
  ENOSYS: 38,
  ENOPROTOOPT: 92,
  ENOTSUP: 95,
  ECONNABORTED: 103,
  ECONNRESET: 104,
} as const;

/**
 * `ENOENT` for 2; `E4000` for a number that Linux does not define. Aliases give the canonical name:
 * EAGAIN, ENOTSUP, EDEADLK.
 */
export function errnoName(errno: number): string {
  names ??= NAMES.trim().split(/\s+/);
  const name = names[errno - 1];
  return name === undefined || name === "-" ? `E${errno}` : name;
}

/** strerror(3): `No such file or directory` for 2. */
export function errnoText(errno: number): string {
  return libc.strerror(errno);
}

/**
 * `<what>: <text>` with the errno's name attached. Read `errno()` first: any other call overwrites
 * it.
 */
export function systemError(code: ErrorCode, what: string, errno: number): PortholeError {
  return new PortholeError(code, `${what}: ${errnoText(errno)}`, { errno: errnoName(errno) });
}

/** Prefix of the message of a failed write. */
export const WRITE_FAILED = "write failed";

/** Returns the error of a failed write. On EPIPE, the command ends quietly. */
export function writeError(error: number): PortholeError {
  return systemError("FILE", WRITE_FAILED, error);
}
