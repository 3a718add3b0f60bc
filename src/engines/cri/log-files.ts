import { createReadStream, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { createGunzip } from "node:zlib";

/**
 * Returns the kubelet's log files of a container, oldest first: the rotated files
 * (`0.log.20240102-030405` and `.gz`), then the current file, `0.log`.
 */
export function logFiles(path: string): string[] {
  const name = basename(path);
  return [...rotatedFiles(dirname(path), name).map((one) => join(dirname(path), one)), path];
}

function rotatedFiles(directory: string, name: string): string[] {
  try {
    const files = readdirSync(directory).filter(
      (one) => one.startsWith(`${name}.`) && /^\d{8}-\d{6}(\.gz)?$/.test(one.slice(name.length + 1)),
    );
    // Both files exist while the kubelet compresses.
    return files.filter((one) => one.endsWith(".gz") || !files.includes(`${one}.gz`)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Reads a log file from its beginning. Yields no bytes if the kubelet has removed the file. */
export async function* readLogFile(path: string, signal: AbortSignal): AsyncGenerator<Buffer, void, void> {
  const file = createReadStream(path, { signal });
  const stream = path.endsWith(".gz") ? file.pipe(createGunzip()) : file;
  if (stream !== file) file.on("error", (error) => stream.destroy(error));
  try {
    for await (const piece of stream) yield piece as Buffer;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
