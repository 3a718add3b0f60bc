import type { FileStat } from "../../protocol/file-stat.ts";
import type { OutputPath } from "../../target.ts";

/**
 * Standard output and standard error of the first process, from which the engine takes the
 * container's output.
 */
const STREAMS = ["/proc/1/fd/1", "/proc/1/fd/2"] as const;

/**
 * Returns which target shows the bytes written into `file`. It is `@logs` if both streams are the
 * same file, as with a terminal.
 * @param stat rejects for a stream that is closed or not visible
 */
export async function streamOf(
  file: FileStat,
  stat: (path: string) => Promise<FileStat>,
): Promise<OutputPath | undefined> {
  const [isStdout, isStderr] = await Promise.all(
    STREAMS.map((path) =>
      stat(path).then(
        (stream) => isSame(stream, file),
        () => false,
      ),
    ),
  );
  if (isStdout && isStderr) return "@logs";
  return isStdout ? "@stdout" : isStderr ? "@stderr" : undefined;
}

/**
 * Like {@link streamOf}, for the stream that a link to /dev/stdout (1) or /dev/stderr (2) names.
 */
export async function streamNumbered(number: 1 | 2, stat: (path: string) => Promise<FileStat>): Promise<OutputPath> {
  const file = await stat(STREAMS[number - 1] as string).catch(() => undefined);
  return (file && (await streamOf(file, stat))) ?? (number === 1 ? "@stdout" : "@stderr");
}

function isSame(one: FileStat, other: FileStat): boolean {
  return (
    one.inode === other.inode && one.device.major === other.device.major && one.device.minor === other.device.minor
  );
}
