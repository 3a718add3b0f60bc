/** Bits of inotify(7) that porthole uses. */
export const IN_MODIFY = 0x002;
export const IN_ATTRIB = 0x004;
export const IN_MOVED_FROM = 0x040;
export const IN_MOVED_TO = 0x080;
export const IN_CREATE = 0x100;
export const IN_DELETE = 0x200;
export const IN_DELETE_SELF = 0x400;
export const IN_MOVE_SELF = 0x800;
export const IN_Q_OVERFLOW = 0x4000;
export const IN_IGNORED = 0x8000;

/** One event: which watch, what happened, and in a watched directory to which name. */
export interface InotifyEvent {
  /** -1 for an overflow, which concerns every watch. */
  watch: number;
  mask: number;
  /** The same in the two events of one rename, 0 in others. */
  cookie: number;
  /** Empty when the event is about the watched file itself. Raw bytes. */
  name: Uint8Array;
}

/** struct inotify_event: int wd; u32 mask, cookie, len; then the name, padded with NUL. */
const EVENT = { size: 16, watch: 0, mask: 4, cookie: 8, length: 12 } as const;

/**
 * Decodes what read(2) on an inotify descriptor gave: whole events, as the kernel writes them. The descriptor came from a container, so
 * an ill-formed rest is ignored, not trusted: events are hints to look again.
 */
export function decodeInotify(bytes: Uint8Array): InotifyEvent[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const events: InotifyEvent[] = [];
  for (let at = 0; at + EVENT.size <= bytes.length; ) {
    const length = view.getUint32(at + EVENT.length, true);
    const nameAt = at + EVENT.size;
    if (nameAt + length > bytes.length) break;
    const padded = bytes.subarray(nameAt, nameAt + length);
    const end = padded.indexOf(0);
    events.push({
      watch: view.getInt32(at + EVENT.watch, true),
      mask: view.getUint32(at + EVENT.mask, true),
      cookie: view.getUint32(at + EVENT.cookie, true),
      name: padded.slice(0, end === -1 ? length : end),
    });
    at = nameAt + length;
  }
  return events;
}
