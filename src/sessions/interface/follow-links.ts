/** Maximum number of links on one path, as in the kernel (path_resolution(7)). */
export const MAX_LINKS = 40;

/** A magic link of a process (proc_pid(5)): its text is not a path for another process. */
const OF_PROCESS = /^\/proc\/(self|thread-self|\d+)(\/|$)/;

/**
 * Resolves the links of a path by their text, up to the first link of `/proc/PID`, which stays.
 * @param readlink rejects for a path that is not a link or does not exist
 */
export async function followLinks(path: string, readlink: (path: string) => Promise<string>): Promise<string> {
  const pending = path.split("/").filter((part) => part !== "");
  let done = "";
  for (let links = 0; pending.length > 0; ) {
    const part = pending.shift() as string;
    if (part === ".") continue;
    if (part === "..") {
      done = done.replace(/\/[^/]*$/, "");
      continue;
    }
    const at = `${done}/${part}`;
    if (OF_PROCESS.test(at)) return [at, ...pending].join("/");
    const text = links < MAX_LINKS ? await readlink(at).catch(() => undefined) : undefined;
    if (text === undefined) done = at;
    else {
      links++;
      if (text.startsWith("/")) done = "";
      pending.unshift(...text.split("/").filter((word) => word !== ""));
    }
  }
  return done || "/";
}
