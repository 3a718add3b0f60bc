import { realpathSync } from "node:fs";
import { PortholeError, readOr } from "../../src/errors.ts";
import { ensureRunDirectory, mountedTrees, unmountTree } from "../../src/routes/index.ts";
import { parseSessionTarget } from "../../src/target.ts";
import { mountAt } from "../mount/mount-at.ts";
import { emptyDirectory } from "../mount/mount-point.ts";
import type { ConnectionOptions } from "../targets/options.ts";
import { SessionPool } from "../targets/session-pool.ts";

export interface MountOptions extends ConnectionOptions {
  allMounts?: boolean;
}

/**
 * `porthole mount`: mounts a directory of a target at a directory of this machine. With a command,
 * it mounts the target's tree only in the command's mount namespace, as `porthole with` does.
 */
export async function mount(operands: string[], command: string[], options: MountOptions): Promise<number> {
  const [text, directory, ...rest] = operands;
  if (text === undefined || rest.length > 0 || (directory === undefined) === (command.length === 0)) {
    throw new PortholeError("USAGE", "mount needs a target, and either a directory or a command", {
      hint: "porthole mount web:/var/log DIRECTORY, or porthole mount web:/ -- COMMAND",
    });
  }
  // `web:` selects the whole tree.
  const whole = text.endsWith(":") ? `${text}/` : text;
  if (directory === undefined) {
    const { withTool } = await import("./with.ts");
    return withTool([whole], command, options);
  }
  const target = parseSessionTarget(whole);
  if (target.kind !== "container" && target.kind !== "process") {
    throw new PortholeError("USAGE", `cannot mount '${text}': only running targets can be mounted`, {
      hint: `porthole mount ${text} -- $SHELL shows it to one command`,
    });
  }
  if (process.geteuid?.() !== 0) {
    throw new PortholeError("ATTACH", "only root may mount for every process of this machine", {
      errno: "EPERM",
      hint: `porthole mount ${text} -- $SHELL shows it to one command`,
    });
  }
  const mountPoint = emptyDirectory(directory);
  using sessions = new SessionPool(options);
  try {
    await mountAt(sessions, target, mountPoint, options.allMounts === true);
    return 0;
  } finally {
    mountPoint.close();
  }
}

/** `porthole umount`: unmounts a mount of `porthole mount`. */
export async function umount(directory: string): Promise<number> {
  const run = ensureRunDirectory();
  const mountPoint = readOr(directory, () => realpathSync(directory));
  const tree = mountedTrees(run).find((one) => one.mountPoint === mountPoint);
  if (tree === undefined) {
    throw new PortholeError("USAGE", `not a mount of porthole: ${directory}`, {
      hint: "porthole agents lists what it has mounted",
    });
  }
  unmountTree(run, tree);
  return 0;
}
