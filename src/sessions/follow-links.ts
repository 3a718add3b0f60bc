/** The most links on one path, as the kernel has it (path_resolution(7)). */
const MOST_LINKS = 40;

/** A link that the kernel keeps for a process (proc_pid(5)): its text leads nowhere for another one. */
const OF_PROCESS = /^\/proc\/(self|thread-self|\d+)(\/|$)/;

/**
 * Where a path leads when the links on it are followed by their text, up to the first one of `/proc/PID`, which is left as it is.
 * @param readlink rejects for what is no link, or is not there
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
    const text = links < MOST_LINKS ? await readlink(at).catch(() => undefined) : undefined;
    if (text === undefined) done = at;
    else {
      links++;
      if (text.startsWith("/")) done = "";
      pending.unshift(...text.split("/").filter((word) => word !== ""));
    }
  }
  return done || "/";
}
