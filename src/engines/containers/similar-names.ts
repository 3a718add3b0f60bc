import { NotFoundError, type ObjectKind } from "../api/ask-engines.ts";

/** The hint for a name that a list has a moment later. */
const CREATED = "it has just been created: try again";

/** Maximum number of similar names. */
const MAX_SIMILAR = 5;

/**
 * Adds the names that may have been meant to the error for a missing object. Returns other errors
 * unchanged.
 */
export async function withSimilarNames(
  error: unknown,
  kind: ObjectKind,
  name: string,
  names: () => Promise<readonly string[]>,
): Promise<unknown> {
  if (!(error instanceof NotFoundError)) return error;
  const all = await names();
  if (all.includes(name)) return new NotFoundError(error.code, error.message, { hint: CREATED, cause: error });
  const similar = similarNames(name, all);
  if (similar.length === 0) return error;
  const better = new NotFoundError(error.code, `${error.message}; similar ${kind}s: ${similar.join(", ")}`, {
    hint: error.hint && `name one of them, or ${error.hint}`,
    cause: error,
  });
  better.isCertain = error.isCertain;
  return better;
}

/** Names that differ by one or two letters, nearest first; else names that begin like it. */
function similarNames(name: string, names: readonly string[]): string[] {
  const limit = Math.min(2, (name.length - 1) >> 1);
  const near = [...new Set(names)]
    .map((other) => ({ other, far: distance(name, other) }))
    .filter(({ other, far }) => far <= limit || (name.length > 2 && other.startsWith(name)));
  const typos = near.filter(({ far }) => far <= limit);
  return (typos.length > 0 ? typos : near)
    .sort((a, b) => a.far - b.far || (a.other < b.other ? -1 : 1))
    .slice(0, MAX_SIMILAR)
    .map(({ other }) => other);
}

/** The number of letters to insert, delete, replace or exchange with the next one. */
export function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isExchange = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const exchanged = isExchange ? (before[j - 2] as number) + 1 : replaced;
      next.push(Math.min(replaced, exchanged, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    [before, row] = [row, next];
  }
  return row[b.length] as number;
}
