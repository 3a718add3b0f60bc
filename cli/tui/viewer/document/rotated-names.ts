/** Suffixes of logrotate and similar programs: a number, or a date with an optional time. */
const NUMBER = /^\.(\d{1,6})$/;
const DATE = /^[-.](\d{4}-?\d\d-?\d\d(?:[-T_.]?\d{1,6}(?:[-:]?\d\d){0,2})?|\d{10})$/;
const COMPRESSED = /\.(?:gz|zst)$/;

/**
 * Finds the earlier files of a log among the names of its directory, oldest first:
 * `app.log-20260131`, `app.log.2.gz`, `app.log.1`. If a file exists both compressed and
 * uncompressed, uses the uncompressed file.
 */
export function rotatedNames(name: string, names: readonly string[]): string[] {
  const dated: { name: string; key: string }[] = [];
  const numbered: { name: string; number: number }[] = [];
  const all = new Set(names);
  for (const one of names) {
    if (!one.startsWith(name) || one === name) continue;
    const plain = one.replace(COMPRESSED, "");
    if (plain !== one && all.has(plain)) continue;
    const suffix = plain.slice(name.length);
    const number = NUMBER.exec(suffix)?.[1];
    const date = DATE.exec(suffix)?.[1];
    if (number !== undefined) numbered.push({ name: one, number: Number(number) });
    else if (date !== undefined) dated.push({ name: one, key: date.replace(/\D/g, "") });
  }
  dated.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  numbered.sort((a, b) => b.number - a.number);
  return [...dated, ...numbered].map((one) => one.name);
}
