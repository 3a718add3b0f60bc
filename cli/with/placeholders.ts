import { PortholeError } from "../../src/errors.ts";

/**
 * `{}` and `{1}`, where a file's path goes: a whole argument, or a part of one between `:` `=` `,` `@` and `?` `:` `,` `&`. Anywhere else
 * braces belong to the command: to jq's `.a // {}`, to the regular expression `a{2}`.
 */
const PLACEHOLDER = /(?<=^|[:=,@])\{(\d{0,4})\}(?=$|[?:,&])/g;

/** True when the command says where files go. */
export function hasPlaceholder(args: readonly string[]): boolean {
  return args.some((arg) => arg.search(PLACEHOLDER) !== -1);
}

/** `{dir}`, alone or as the beginning of a path, where `{}` may stand too. */
const DIRECTORY = /(?<=^|[:=,@])\{dir\}(?=$|[?:,&/])/g;

export function hasDirectory(args: readonly string[]): boolean {
  return args.some((arg) => arg.search(DIRECTORY) !== -1);
}

export function substituteDirectory(args: readonly string[], directory: string): string[] {
  return args.map((arg) => arg.replace(DIRECTORY, () => directory));
}

/**
 * Puts paths in the place of `{1}`, `{2}` and so on; an argument with `{}` is repeated for each path.
 * @throws PortholeError USAGE for an argument that is the number of a file that was not named
 */
export function substitute(args: readonly string[], paths: readonly string[]): string[] {
  return args.flatMap((arg) => {
    const whole = /^\{(\d{1,4})\}$/.exec(arg)?.[1];
    if (whole !== undefined && paths[Number(whole) - 1] === undefined) {
      const count = paths.length === 1 ? "one file was" : `${paths.length} files were`;
      throw new PortholeError("USAGE", `'${arg}' in the command, but ${count} named`);
    }
    const filled = (each: string) =>
      arg.replace(PLACEHOLDER, (text, number) => (number === "" ? each : (paths[Number(number) - 1] ?? text)));
    return [...arg.matchAll(PLACEHOLDER)].some(([text]) => text === "{}") ? paths.map(filled) : [filled("")];
  });
}

/** The command without its placeholders, undefined when one is only part of an argument. */
export function withoutPlaceholders(args: readonly string[]): string[] | undefined {
  const rest = args.filter((arg) => !/^\{(\d*|dir)\}$/.test(arg));
  return hasPlaceholder(rest) ? undefined : rest;
}
