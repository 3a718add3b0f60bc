import { Errno } from "../errno.ts";
import { statx } from "../files/statx.ts";
import { errno, libc, SystemCall } from "../libc.ts";
import { peerPidfd, refuseDescriptors, socketpair } from "./fd-socket.ts";

/**
 * System calls and socket options of the running kernel that porthole can use, detected by calling
 * them.
 */
export interface KernelFeatures {
  /** openat2(2), Linux 5.6. Without it no agent can open files. */
  openat2: boolean;
  /** Mount ids in statx(2), Linux 5.8. Without them no agent starts. */
  mountId: boolean;
  /** SO_PEERPIDFD, Linux 6.5. */
  peerPidfd: boolean;
  /** SO_PASSRIGHTS, Linux 6.16. */
  passRights: boolean;
  /** open_tree(2), Linux 5.2. No tree can be made without it. */
  openTree: boolean;
  /**
   * mount_setattr(2), Linux 5.12. Without it no tree is made, because the tree would be writable.
   */
  mountSetattr: boolean;
  /** move_mount(2), Linux 5.2. A tree cannot be attached without it. */
  moveMount: boolean;
}

/** Probes the kernel. Closes all descriptors that it opens. */
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
      openTree: hasCall("open_tree"),
      mountSetattr: hasCall("mount_setattr"),
      moveMount: hasCall("move_mount"),
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

/**
 * True if a call of the mount API exists. Passes no flags and a null pointer as the path. The call
 * then fails, with ENOSYS only if it does not exist.
 */
function hasCall(call: "open_tree" | "mount_setattr" | "move_mount"): boolean {
  return libc.openat2(SystemCall[call], -1, 0, 0xffff_ffff, 0) < 0 && errno() !== Errno.ENOSYS;
}
