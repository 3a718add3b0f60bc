import { SCM_PIDFD, SCM_RIGHTS, SOL_SOCKET } from "../constants.ts";
/**
 * struct cmsghdr on 64-bit Linux: size_t length (header included), int level, int type; aligned to
 * 8 bytes (cmsg(3)).
 */
export const ControlHeader = { size: 16, level: 8, type: 12 } as const;
/** Maximum number of descriptors that the kernel accepts in one message (include/net/scm.h). */
export const SCM_MAX_FD = 253;

/** The control messages of one packet. */
export interface Control {
  /** Every descriptor that is now installed in this process, from all control messages. */
  descriptors: number[];
  /** True if a control message was truncated or was not SCM_RIGHTS. */
  foreign: boolean;
}

/**
 * CMSG_LEN(4 * count): limits a receiver to `count` descriptors; CMSG_SPACE would admit one more.
 */
export function controlLength(count: number): number {
  return count === 0 ? 0 : ControlHeader.size + 4 * count;
}

/**
 * Walks all control messages in the first `length` bytes. A length field that runs past the end is
 * clamped (rustix#1683).
 */
export function parseControl(view: DataView, length: number): Control {
  const control: Control = { descriptors: [], foreign: false };
  let at = 0;
  while (at < length) {
    const left = length - at;
    if (left < ControlHeader.size) {
      control.foreign = true;
      break;
    }
    const stated = view.getUint32(at + 4, true) === 0 ? view.getUint32(at, true) : Number.POSITIVE_INFINITY;
    const size = Math.min(stated, left);
    if (size < ControlHeader.size) {
      control.foreign = true;
      break;
    }
    const type = view.getInt32(at + ControlHeader.type, true);
    const level = view.getInt32(at + ControlHeader.level, true);
    const rights = level === SOL_SOCKET && type === SCM_RIGHTS;
    if (!rights || size !== stated) control.foreign = true;
    // SCM_PIDFD also installs a descriptor. It is never requested, but closed when it arrives.
    if (rights || (level === SOL_SOCKET && type === SCM_PIDFD))
      for (let i = at + ControlHeader.size; i + 4 <= at + size; i += 4) {
        const fd = view.getInt32(i, true);
        if (fd >= 0) control.descriptors.push(fd);
        else control.foreign = true;
      }
    at += Math.ceil(size / 8) * 8;
  }
  return control;
}
