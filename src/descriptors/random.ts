import { Errno, systemError } from "./errno.ts";
import { errno, libc, Memory } from "./libc.ts";

/**
 * Up to 256 random bytes of the kernel for secrets (getrandom(2)). node:crypto takes 3 ms to load.
 * @throws PortholeError ATTACH before Linux 3.17
 */
export function randomBytes(count: number): Buffer {
  const memory = new Memory(count);
  while (libc.getrandom(memory.address, count, 0) !== count) {
    const error = errno();
    if (error !== Errno.EINTR) throw systemError("ATTACH", "cannot read random bytes", error);
  }
  return Buffer.from(memory.bytes.buffer);
}
