import { PortholeError } from "../errors.ts";
import type { Session } from "../sessions/interface/session.ts";

/** Maximum bytes of a target's user or group file. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Returns names by number from the target's own `/etc/passwd` or `/etc/group` (passwd(5),
 * group(5)). Empty if the file does not exist, as in most images FROM scratch. The first name of a
 * number is used, as in getpwuid(3).
 * @throws PortholeError SESSION
 */
export async function readNames(session: Session, path: "/etc/passwd" | "/etc/group"): Promise<Map<number, string>> {
  const names = new Map<number, string>();
  try {
    await using file = await session.open(path);
    if (file.kind !== "file" || !file.isSeekable) return names;
    const bytes = Buffer.alloc(Math.min(MAX_BYTES, file.size()));
    const length = file.read(bytes, 0);
    for (const line of bytes.toString("utf8", 0, length).split("\n")) {
      const [name, , number] = line.split(":");
      if (name && number !== undefined && /^\d{1,10}$/.test(number) && !names.has(Number(number)))
        names.set(Number(number), name);
    }
  } catch (error) {
    if (!(error instanceof PortholeError) || error.code !== "FILE") throw error;
  }
  return names;
}
