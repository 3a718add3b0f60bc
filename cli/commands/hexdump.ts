import { PortholeError } from "../../src/errors.ts";
import { parseTarget } from "../../src/target.ts";
import { dumpOpenFile } from "../hexdump/dump-open-file.ts";
import { complain, exitStatus, printable, report } from "../io/fail.ts";
import { write } from "../io/output.ts";
import { openTarget } from "../targets/open-target.ts";
import type { ConnectionOptions } from "../targets/options.ts";
import { SessionPool } from "../targets/session-pool.ts";

export interface HexdumpOptions extends ConnectionOptions {
  consume?: boolean;
  skip?: number;
  length?: number;
  squeezing: boolean;
}

/** `porthole hexdump`: a file's or device's bytes, as `hexdump -C` shows them. */
export async function hexdump(text: string, options: HexdumpOptions): Promise<number> {
  const sessions = new SessionPool(options);
  try {
    const target = parseTarget(text);
    const session = await sessions.session(target);
    const file = await openTarget(session, { text, target }, options);
    try {
      if (file.kind === "directory")
        throw new PortholeError("FILE", `cannot read ${text}: Is a directory`, { errno: "EISDIR" });
      // Of what is made up as it is read (/proc/N/mem) there is nothing to explain.
      if (file.relayed && file.stat.size > 0n)
        complain(`${printable(text)}: its file system may not answer, so the agent reads it for us`);
      const { skip, length, squeezing } = options;
      await dumpOpenFile(file, { skip, length, squeezes: squeezing }, write);
      return 0;
    } finally {
      file.close();
    }
  } catch (error) {
    report(error);
    return exitStatus(error);
  } finally {
    sessions.close();
  }
}
