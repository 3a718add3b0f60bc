import type { ByteSource } from "./byte-source.ts";

/** Bytes that are given up together: a page, which is what the kernel reads. */
const PAGE = 4096;

/**
 * A source on which nothing throws: where a disk gives an error, zeros stand up to the next page, as dd(1) has it with `conv=noerror,sync`, and
 * `failed` is told. One bad sector does not keep the rest of a file from who looks at it.
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
        if (count > 0) failed(`byte ${position} cannot be read (${code}): zeros stand for it`);
        return count;
      }
    },
    ...(nextData && { nextData: (position) => nextData.call(source, position) }),
    ...(parts && { parts: () => parts.call(source) }),
  };
}
