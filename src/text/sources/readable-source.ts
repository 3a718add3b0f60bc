import type { ByteSource } from "./byte-source.ts";

/** Granularity of errors: a page, which the kernel reads at once. */
const PAGE = 4096;

/**
 * A source without read errors: unreadable bytes up to the next page become zeros, like dd(1) with
 * `conv=noerror,sync`, and `failed` is called. A bad sector does not hide the rest of a file.
 */
export function readableSource(source: ByteSource, failed: (message: string) => void): ByteSource {
  const { nextData, parts } = source;
  return {
    start: () => source.start(),
    end: () => source.end(),
    read: (position, buffer) => {
      try {
        return source.read(position, buffer);
      } catch (error) {
        const count = Math.min(buffer.length, PAGE - (position % PAGE), Math.max(0, source.end() - position));
        buffer.fill(0, 0, count);
        const { code = String(error) } = error as NodeJS.ErrnoException;
        if (count > 0) failed(`cannot read byte ${position}: ${code} (shown as zeros)`);
        return count;
      }
    },
    ...(nextData && { nextData: (position) => nextData.call(source, position) }),
    ...(parts && { parts: () => parts.call(source) }),
  };
}
