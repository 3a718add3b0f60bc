import { Errno } from "./errno.ts";
import { peerPidfd, refuseDescriptors, socketpair } from "./fd-socket.ts";
import { errno, libc, SystemCall } from "./libc.ts";
import { statx } from "./statx.ts";

/**
 * System calls and socket options of the running kernel that porthole can use, detected by calling
 * them.
 */
export interface KernelFeatures {
  /** Linux 5.6. No agent can open files without it. */
  openat2: boolean;
  /** Mount ids in statx(2), Linux 5.8. */
  mountId: boolean;
  /** SO_PEERPIDFD, Linux 6.5. */
  peerPidfd: boolean;
  /** SO_PASSRIGHTS, Linux 6.16. */
  passRights: boolean;
}

/** Probes the kernel. Leaves nothing open. */
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

/** A kernel that has the call returns EINVAL for a structure of size 0. */
function hasOpenat2(): boolean {
  return libc.openat2(SystemCall.openat2, -1, 0, 0, 0) < 0 && errno() === Errno.EINVAL;
}
