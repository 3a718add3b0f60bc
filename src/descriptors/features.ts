import { Errno } from "./errno.ts";
import { peerPidfd, refuseDescriptors, socketpair } from "./fd-socket.ts";
import { errno, libc, SystemCall } from "./libc.ts";
import { statx } from "./statx.ts";

/** Which system calls and options of the running kernel porthole can use, found out by calling them. */
export interface KernelFeatures {
  /** Linux 5.6: without it no agent can open anything. */
  openat2: boolean;
  /** statx(2) tells the mount: Linux 5.8. */
  mountId: boolean;
  /** SO_PEERPIDFD: Linux 6.5. */
  peerPidfd: boolean;
  /** SO_PASSRIGHTS: Linux 6.16. */
  passRights: boolean;
}

/** Asks the kernel. Opens nothing that stays open. */
export function kernelFeatures(): KernelFeatures {
  const [a, b] = socketpair();
  try {
    const pidfd = peerPidfd(a);
    pidfd?.close();
    return {
      openat2: hasOpenat2(),
      mountId: statx(a).mountId !== undefined,
      peerPidfd: pidfd !== undefined,
      passRights: refuseDescriptors(b),
    };
  } finally {
    a.close();
    b.close();
  }
}

/** A structure of size 0 is EINVAL to a kernel that knows the call. */
function hasOpenat2(): boolean {
  return libc.openat2(SystemCall.openat2, -1, 0, 0, 0) < 0 && errno() === Errno.EINVAL;
}
