import { userInfo } from "node:os";
import { isAbsolute } from "node:path";

/**
 * HOME, or the directory in the user database if HOME is missing, empty or relative: a relative one
 * would mean files below the working directory. Undefined if the user has no entry there either.
 */
export function homeDirectory({ HOME }: NodeJS.ProcessEnv): string | undefined {
  if (HOME !== undefined && isAbsolute(HOME)) return HOME;
  try {
    return userInfo().homedir;
  } catch {
    return undefined;
  }
}

/** XDG_RUNTIME_DIR, or what a login would set it to if it is missing or relative. */
export function runtimeDirectory({ XDG_RUNTIME_DIR: path }: NodeJS.ProcessEnv, uid = process.getuid?.() ?? 0): string {
  return path !== undefined && isAbsolute(path) ? path : `/run/user/${uid}`;
}
