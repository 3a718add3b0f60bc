import type { PortholeError } from "../errors.ts";
import type { Session } from "../sessions/interface/session.ts";
import { type FindExpression, type JudgedFile, parseFind } from "./find.ts";
import { type TakeOver, type WalkedFile, type WalkOptions, walk } from "./walk.ts";

/** Options of {@link find}. */
export interface FindOptions {
  /** Includes stat and link targets of every file, even if the expression does not need them. */
  stat?: boolean | undefined;
  /**
   * Receives errors of files and directories; the walk continues. Without it the first such error
   * is thrown.
   */
  failed?: ((error: PortholeError) => void) | undefined;
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
 * Yields the files that an expression prints, once for each `-print` and `-print0`. Each has the
 * byte that ends its line.
 */
export async function* selectFiles(
  session: Session,
  path: string,
  expression: FindExpression,
  options: FindOptions & { looked?: () => void },
): AsyncGenerator<{ file: WalkedFile; end: "\n" | "\0" }> {
  const selection = new Selection(expression);
  for await (const file of walk(session, path, walkOptions(selection, options))) {
    options.looked?.();
    for (const end of selection.judge(file)) yield { file, end };
  }
}

/**
 * Calls `print` for the same files. A long walk continues by `takeOver`. Throws as {@link find}.
 */
export async function eachSelected(
  session: Session,
  path: string,
  expression: FindExpression,
  options: FindOptions & { looked?: () => void; takeOver: Omit<TakeOver, "visit"> | undefined },
  print: (path: string, end: "\n" | "\0") => void,
): Promise<void> {
  const selection = new Selection(expression);
  const visit = (file: JudgedFile) => {
    options.looked?.();
    for (const end of selection.judge(file)) print(file.path, end);
    return selection.isEntered;
  };
  const takeOver = options.takeOver && { ...options.takeOver, visit };
  for await (const file of walk(session, path, { ...walkOptions(selection, options), takeOver })) visit(file);
}

function walkOptions(selection: Selection, { stat, failed }: FindOptions): WalkOptions {
  const { maxDepth, needsStat } = selection.expression;
  // The walk calls `enter` right after yielding each directory.
  return { stat: needsStat || stat === true, maxDepth, enter: () => selection.isEntered, ...(failed && { failed }) };
}

/** Evaluates the files of a walk one after the other. */
class Selection {
  readonly expression: FindExpression;
  /** True if the walk enters the last file, a directory. */
  isEntered = true;
  #device: string | undefined;

  constructor(expression: FindExpression) {
    this.expression = expression;
  }

  /** Returns the line ends with which to print the file. */
  judge(file: JudgedFile): ("\n" | "\0")[] {
    const { minDepth, oneFileSystem } = this.expression;
    this.#device ??= deviceOf(file);
    const { prints, prune } = this.expression.judge(file);
    this.isEntered = !(prune && file.depth >= minDepth) && (!oneFileSystem || deviceOf(file) === this.#device);
    return prints;
  }
}

function deviceOf({ stat }: JudgedFile): string | undefined {
  return stat && `${stat.device.major}:${stat.device.minor}`;
}
