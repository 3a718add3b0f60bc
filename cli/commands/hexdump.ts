import { PortholeError } from "../../src/errors.ts";
import { dumpOpenFile } from "../hexdump/dump-open-file.ts";
import { complain, exitStatus, printable, report } from "../io/fail.ts";
import { write } from "../io/output.ts";
import { checkContainerName } from "../targets/container-name.ts";
import { parseNamed } from "../targets/local-file.ts";
import { openTarget } from "../targets/open-target.ts";
import type { ConnectionOptions } from "../targets/options.ts";
import { type NamedTarget, SessionPool } from "../targets/session-pool.ts";

export interface HexdumpOptions extends ConnectionOptions {
  consume?: boolean;
  skip?: number;
  length?: number;
  squeezing: boolean;
}

/** `porthole hexdump`: shows the bytes of a file or device as `hexdump -C` does. */
export async function hexdump(text: string, options: HexdumpOptions): Promise<number> {
  using sessions = new SessionPool(options);
  try {
    await checkContainerName(parseNamed(text), options.engine);
    const named = await onlyMatch(sessions, text);
    const session = await sessions.session(named.target);
    await using file = await openTarget(session, named, options);
    if (file.kind === "directory")
      throw new PortholeError("FILE", `cannot read ${named.text}: Is a directory`, { errno: "EISDIR" });
    // Files that the kernel generates (/proc/N/mem) are also relayed, but need no notice.
    if (file.relayed && file.stat.size > 0n)
      complain(`${printable(named.text)}: relayed by the agent, because its file system may not answer`);
    const { skip, length, squeezing } = options;
    await dumpOpenFile(file, { skip, length, squeezes: squeezing }, write);
    return 0;
  } catch (error) {
    report(error);
    return exitStatus(error);
  }
}

/** The one file that a glob matches; a target without a glob as it is. */
async function onlyMatch(sessions: SessionPool, text: string): Promise<NamedTarget> {
  if (!/[*?[\\]/.test(text)) return { text, target: parseNamed(text) };
  const [first, ...others] = await sessions.expand([text]);
  if (first !== undefined && others.length === 0) return first;
  const matches = first === undefined ? "none" : `${others.length + 1}, such as ${first.text}`;
  throw new PortholeError("USAGE", `hexdump shows one file, and '${text}' matches ${matches}`, {
    hint: `porthole ls '${text}' lists them`,
  });
}
