import { rmSync } from "node:fs";

/**
 * Removes a directory. Tries again for a second: a process that is ending, such as an agent or a
 * daemon, may still add a file or have a mount there. `maxRetries` does not remove added files.
 */
export function removeDirectory(path: string): void {
  for (let failures = 0; ; failures += 1) {
    try {
      rmSync(path, { recursive: true, force: true });
      return;
    } catch (error) {
      if (failures === 10) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    }
  }
}
