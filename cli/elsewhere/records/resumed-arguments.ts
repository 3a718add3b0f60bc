/** Options that choose where a run begins. */
const BEGINNING: ReadonlySet<string> = new Set(["lines", "bytes", "since"]);

/** Replaces the options that choose where a run begins. */
export function resumedArguments(args: readonly string[], beginning: readonly string[]): string[] {
  const [command = "", ...rest] = args;
  const end = rest.indexOf("--");
  const options: string[] = [];
  for (let at = 0; at < end; at++) {
    const word = rest[at] ?? "";
    if (/^-\d+$/.test(word)) continue;
    const name = /^--([a-z]+)/.exec(word)?.[1] ?? (word === "-n" ? "lines" : word === "-c" ? "bytes" : "");
    if (!BEGINNING.has(name)) options.push(word);
    else if (!word.includes("=")) at++;
  }
  return [command, ...options, ...beginning, ...rest.slice(end)];
}
