import { PortholeError } from "./errors.ts";
import type { Session } from "./session.ts";
import { pathText } from "./target.ts";

/** Names of a target's users and groups. */
export interface Accounts {
  user(uid: number): string | undefined;
  group(gid: number): string | undefined;
}

/** More than any real /etc/passwd of a container. */
const LARGEST = 1024 * 1024;

/**
 * Reads who is who from the target's own /etc/passwd and /etc/group. What is missing, not readable, not a plain file or longer than 1 MiB names
 * nobody. The names are the target's words: sanitise them.
 * @throws PortholeError SESSION
 */
export async function readAccounts(session: Session): Promise<Accounts> {
  const [users, groups] = await Promise.all([names(session, "/etc/passwd"), names(session, "/etc/group")]);
  return { user: (uid) => users.get(uid), group: (gid) => groups.get(gid) };
}

async function names(session: Session, path: string): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  for (const line of (await textOf(session, path)).split("\n")) {
    const match = /^([^:]+):[^:]*:(\d{1,10})(?::|$)/.exec(line);
    // The first entry counts: getpwuid(3).
    if (match !== null && !found.has(Number(match[2]))) found.set(Number(match[2]), match[1] as string);
  }
  return found;
}

async function textOf(session: Session, path: string): Promise<string> {
  try {
    const file = await session.open(path);
    try {
      if (!file.isSeekable || file.kind !== "file" || file.size() > LARGEST) return "";
      const buffer = Buffer.allocUnsafe(file.size());
      return pathText(buffer.subarray(0, file.read(buffer, 0)));
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof PortholeError && error.code === "FILE") return "";
    throw error;
  }
}
