import { PortholeError } from "../../errors.ts";
import { errnoName, errnoText } from "../errno.ts";
import { errno, libc, Memory } from "../libc.ts";

/**
 * Detaches a mount and its submounts from this mount namespace (umount2(2), MNT_DETACH). Processes
 * that use them keep them until they close them.
 * @throws PortholeError FILE with the errno
 */
export function unmount(path: string): void {
  const bytes = Buffer.from(`${path}\0`);
  const memory = new Memory(bytes.length);
  memory.bytes.set(bytes);
  if (libc.umount2(memory.address, MNT_DETACH | UMOUNT_NOFOLLOW) === 0) return;
  const number = errno();
  throw new PortholeError("FILE", `cannot unmount ${path}: ${errnoText(number)}`, { errno: errnoName(number) });
}

const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;
