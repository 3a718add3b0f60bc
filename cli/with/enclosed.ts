import { PortholeError } from "../../src/errors.ts";
import { targetName } from "../../src/target.ts";
import type { SessionPool } from "../targets/session-pool.ts";
import { enclosedProgram } from "./enclosed-program.ts";
import { runLaunched } from "./launcher.ts";
import { isDirectory, type NamedFile } from "./named-file.ts";
import { hasDirectory, substitute } from "./placeholders.ts";
import { placeInTrees, type TreeFile } from "./placement.ts";
import type { ToolEnd } from "./run-tool.ts";

/**
 * Runs a local command whose root directory is the container's, so that links resolve as in the
 * container. Closes the files.
 * @throws CannotRun; PortholeError USAGE if the command or a file cannot be used in it, ATTACH
 * without a tree
 */
export async function runEnclosed(
  sessions: SessionPool,
  named: NamedFile[],
  [command = "", ...args]: readonly string[],
  { rw: write = false, allMounts = false }: { rw?: boolean; allMounts?: boolean },
): Promise<ToolEnd> {
  if (hasDirectory(args))
    throw refused("{dir} is a directory of this machine", "use {} or {1}, which are paths in the container");
  const containers = new Set(named.map(({ target }) => targetName(target)));
  if (containers.size > 1)
    throw refused("the targets have several roots", "run the command once for each container, or without the option");
  const program = enclosedProgram(command);
  const placement = await placeInTrees(sessions, named, { write, allMounts });
  sessions.close();
  try {
    const [refusal] = placement.refused;
    if (refusal !== undefined) throw refusal.error;
    const { at, trees, treeFiles } = placement;
    const paths = treeFiles.map(pathInside);
    const [only] = treeFiles;
    const directory = treeFiles.length === 1 && only && isDirectory(only) ? only.path : trees[0]?.name;
    // The named root directory has another inode in the mount namespace, with the same entries.
    const files = treeFiles.filter((_, index) => !/^\/\.?$/.test(paths[index] ?? ""));
    const launch = { at, trees, files, directory, write, allMounts, enclosed: program };
    return await runLaunched(launch, (unreadable) => {
      for (const [index, { message, errno }] of unreadable) {
        const text = `the command cannot open ${files[index]?.text} by path: ${message}`;
        throw new PortholeError("FILE", text, { errno });
      }
      return [...program.args, ...substitute(args, paths)];
    });
  } finally {
    placement.close();
    for (const { file } of named) file.close();
  }
}

/** Returns the path in the container. The command uses the same path. */
function pathInside({ target, text, path }: TreeFile): string {
  const name = `${targetName(target)}:`;
  if (target.kind !== "local" && path?.startsWith(name)) return path.slice(name.length);
  throw refused(`${text} has no path in a container's root`, "leave out the option");
}

function refused(why: string, hint: string): PortholeError {
  return new PortholeError("USAGE", `cannot run the command with --follow-links: ${why}`, { hint });
}
