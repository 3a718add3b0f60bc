/** struct inotify_event (inotify(7)). */
export interface InotifyEvent {
  /** -1 for an overflow, which affects all watches. */
  watch: number;
  mask: number;
  /** Equal in the two events of one rename; 0 in other events. */
  cookie: number;
  /** Raw bytes. Empty if the event is about the watched file itself. */
  name: Uint8Array;
}

/** struct inotify_event: int wd; u32 mask, cookie, len; then the name, padded with NUL. */
const EVENT = { size: 16, watch: 0, mask: 4, cookie: 8, length: 12 } as const;

/**
 * Decodes bytes read from an inotify descriptor. The descriptor came from a container, so a
 * malformed rest is ignored: events are only hints to check again.
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
