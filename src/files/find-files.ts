import type { PortholeError } from "../errors.ts";
import type { Session } from "../sessions/session.ts";
import { type FindExpression, parseFind } from "./find.ts";
import { type WalkedFile, walk } from "./walk.ts";

/** Options of {@link find}. */
export interface FindOptions {
  /** Include stat and link targets of every file, whether or not the expression needs them. */
  stat?: boolean;
  /**
   * Receives errors of files and directories; the walk continues. Without it the first such error
   * is thrown.
   */
  failed?: (error: PortholeError) => void;
}

/**
 * Finds files below a directory of a session. `expression` holds find(1)'s tests and options, as
 * for `porthole find`: `-name '*.log' -size +1M`. Without words every file is found, the directory
 * itself first. Symbolic links are not followed.
 * @throws PortholeError USAGE for an invalid expression; FILE for `path` itself; SESSION
 */
export async function* find(
  session: Session,
  path: string,
  expression: readonly string[] = [],
  options: FindOptions = {},
): AsyncGenerator<WalkedFile> {
  for await (const { file } of selectFiles(session, path, parseFind(expression, Date.now()), options)) yield file;
}

/**
 * Files that an expression prints, once for each `-print` and `-print0`, with the byte that ends
 * the line.
 */
export async function* selectFiles(
  session: Session,
  path: string,
  expression: FindExpression,
  { stat, failed, looked }: FindOptions & { looked?: () => void },
): AsyncGenerator<{ file: WalkedFile; end: "\n" | "\0" }> {
  const { minDepth, maxDepth, oneFileSystem, needsStat } = expression;
  let device: string | undefined;
  // The walk calls `enter` right after yielding each directory.
  let isEntered = true;
  const options = { stat: needsStat || stat === true, maxDepth, enter: () => isEntered, ...(failed && { failed }) };
  for await (const file of walk(session, path, options)) {
    looked?.();
    device ??= deviceOf(file);
    const { prints, prune } = expression.judge(file);
    isEntered = !(prune && file.depth >= minDepth) && (!oneFileSystem || deviceOf(file) === device);
    for (const end of prints) yield { file, end };
  }
}

function deviceOf({ stat }: WalkedFile): string | undefined {
  return stat && `${stat.device.major}:${stat.device.minor}`;
}
