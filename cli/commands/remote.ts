import { spawnChild } from "../../src/descriptors/index.ts";
import { agentProgram } from "../../src/routes/index.ts";

/**
 * `porthole __remote OPTIONS -- ARGS`: runs porthole for a client on another machine, which started
 * this process by ssh. The agent serves the connection: agent/remote.c.
 */
export function remote(args: readonly string[]): Promise<number> {
  const at = args.indexOf("--");
  const command = [process.execPath, process.argv[1] as string, ...args.slice(at + 1)];
  const child = spawnChild(agentProgram(), ["remote", ...args.slice(0, at), "--", ...command], { stdio: "inherit" });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve(status ?? 1));
  });
}
