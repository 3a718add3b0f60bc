import { PortholeError } from "../../src/errors.ts";
import { dumpOpenFile } from "../hexdump/dump-open-file.ts";
import { complain, exitStatus, printable, report } from "../io/fail.ts";
import { write } from "../io/output.ts";
import { checkContainerName } from "../targets/container-name.ts";
import { parseNamed } from "../targets/local-file.ts";
import { openTarget } from "../targets/open-target.ts";
import type { ConnectionOptions } from "../targets/options.ts";
import { SessionPool } from "../targets/session-pool.ts";

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
    const target = parseNamed(text);
    await checkContainerName(target, options.engine);
    const session = await sessions.session(target);
    await using file = await openTarget(session, { text, target }, options);
    if (file.kind === "directory")
      throw new PortholeError("FILE", `cannot read ${text}: Is a directory`, { errno: "EISDIR" });
    // Files that the kernel generates (/proc/N/mem) are also relayed, but need no notice.
    if (file.relayed && file.stat.size > 0n)
      complain(`${printable(text)}: relayed by the agent, because its file system may not answer`);
    const { skip, length, squeezing } = options;
    await dumpOpenFile(file, { skip, length, squeezes: squeezing }, write);
    return 0;
  } catch (error) {
    report(error);
    return exitStatus(error);
  }
}
