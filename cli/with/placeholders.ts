import { PortholeError } from "../../src/errors.ts";

/**
 * Matches `{}` and `{1}`, which are replaced by paths: a whole argument, or a part of an argument
 * after `:` `=` `,` `@` and before `?` `:` `,` `&` `/`. Other braces belong to the command: jq's
 * `.a // {}`, the regular expression `a{2}`.
 */
const PLACEHOLDER = /(?<=^|[:=,@])\{(\d{0,4})\}(?=$|[?:,&/])/g;

/** True if an argument contains `{}` or `{1}`. */
export function hasPlaceholder(args: readonly string[]): boolean {
  return args.some((arg) => arg.search(PLACEHOLDER) !== -1);
}

/** Matches `{dir}`, alone or as the beginning of a path, in the same positions as `{}`. */
const DIRECTORY = /(?<=^|[:=,@])\{dir\}(?=$|[?:,&/])/g;

export function hasDirectory(args: readonly string[]): boolean {
  return args.some((arg) => arg.search(DIRECTORY) !== -1);
}

export function substituteDirectory(args: readonly string[], directory: string): string[] {
  return args.map((arg) => arg.replace(DIRECTORY, () => directory));
}

/**
 * Replaces `{1}`, `{2}` and so on by paths. Repeats an argument with `{}` for each path.
 * @throws PortholeError USAGE for the number of a missing file
 */
export function substitute(args: readonly string[], paths: readonly string[]): string[] {
  return args.flatMap((arg) => {
    const whole = /^\{(\d{1,4})\}$/.exec(arg)?.[1];
    if (whole !== undefined && paths[Number(whole) - 1] === undefined) {
      const count = paths.length === 1 ? "1 file" : `${paths.length} files`;
      throw new PortholeError("USAGE", `no file for '${arg}' in the command: it has ${count}`);
    }
    const filled = (each: string) =>
      arg.replace(PLACEHOLDER, (text, number) => (number === "" ? each : (paths[Number(number) - 1] ?? text)));
    return [...arg.matchAll(PLACEHOLDER)].some(([text]) => text === "{}") ? paths.map(filled) : [filled("")];
  });
}

/**
 * Returns the command without its placeholders; undefined if a placeholder is only a part of an
 * argument.
 */
export function withoutPlaceholders(args: readonly string[]): string[] | undefined {
  const rest = args.filter((arg) => !/^\{(\d*|dir)\}$/.test(arg));
  return hasPlaceholder(rest) ? undefined : rest;
}
