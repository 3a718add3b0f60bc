import { DT_DIR } from "../../../../src/descriptors/index.ts";
import { joinPath } from "../../../../src/files/index.ts";
import type { Connection } from "../../connection/connection.ts";
import { MAX_ENTRIES } from "./directory.ts";

/**
 * Resolves a typed path. `//` starts again at the root, so that the user can type `/dev` after a
 * proposed directory.
 */
export function typedPath(text: string): string {
  const restart = text.lastIndexOf("//");
  return restart === -1 ? text : text.slice(restart + 1);
}

/**
 * Completes a path that is typed in the directory `base`; sorted. Includes hidden names only after
 * their dot is typed.
 */
export async function completePath(
  connection: Connection,
  base: string,
  text: string,
  signal: AbortSignal,
): Promise<string[]> {
  const slash = text.lastIndexOf("/");
  const directory = text.slice(0, slash + 1);
  const begun = text.slice(slash + 1);
  const names: string[] = [];
  await connection.use(async (session) => {
    let seen = 0;
    const from = typedPath(directory);
    for await (const { name, type } of session.list(from.startsWith("/") ? from : joinPath(base, from))) {
      if (name.startsWith(begun) && (begun !== "" || !name.startsWith(".")))
        names.push(name + (type === DT_DIR ? "/" : ""));
      if (++seen === MAX_ENTRIES || signal.aborted) break;
    }
  });
  return names.sort().map((name) => directory + name);
}
