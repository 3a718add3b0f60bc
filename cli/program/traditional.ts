import type { Command } from "commander";

/** Lets a command take options in forms that are older than getopt: `rewrite` sees its arguments first. */
export function rewriting(command: Command, rewrite: (args: string[]) => string[]): Command {
  const parse = command.parseOptions.bind(command);
  command.parseOptions = (args) => parse(rewrite(args));
  return command;
}

/** `tail -5f FILE`, `tail +5 FILE`: with one file at most, else a leading `+` is a file's name. `--follow` alone is `-f`. */
export function traditionalTail(args: string[]): string[] {
  const [first = "", second, ...rest] = args;
  const alone =
    args.length === 1 ||
    (args.length === 2 && (second === "-" || !second?.startsWith("-"))) ||
    (second === "--" && rest.length <= 1);
  const match = /^([+-])(\d*)([bcl]?)(f?)$/.exec(first);
  if (match === null || !alone || first === "-" || first === "-c" || first === "-f") return withoutOptionalValues(args);
  const [, sign = "", digits = "", letter = "", follow] = match;
  const count = `${digits || "10"}${letter === "b" ? "b" : ""}`;
  const amount = [letter === "" || letter === "l" ? "-n" : "-c", sign === "+" ? `+${count}` : count];
  return [...amount, ...(follow ? ["-f"] : []), ...args.slice(1)];
}

/** `head -5 FILE...`, `head -20kqv FILE...`: only as the first argument. */
export function traditionalHead(args: string[]): string[] {
  const [first = "", ...rest] = args;
  const match = /^-(\d+)([a-z]*)$/i.exec(first);
  if (match === null) return withoutOptionalValues(args);
  let unit = "-n";
  let multiplier = "";
  const flags: string[] = [];
  for (const letter of match[2] ?? "") {
    if (letter === "c" || letter === "b" || letter === "k" || letter === "m") {
      unit = "-c";
      multiplier = letter === "c" ? "" : letter;
    } else if (letter === "l") unit = "-n";
    else if (letter === "q" || letter === "v" || letter === "z") flags.push(`-${letter}`);
    else return ["--invalid-trailing-option", letter];
  }
  return [unit, `${match[1]}${multiplier}`, ...flags, ...withoutOptionalValues(rest)];
}

/** Commander would take the word after an option whose value is optional for its value; getopt takes only what is joined by `=`. */
function withoutOptionalValues(args: string[]): string[] {
  const end = args.indexOf("--");
  return args.map((arg, index) => {
    if (end !== -1 && index > end) return arg;
    if (arg === "--follow") return "-f";
    return arg === "--silent" ? "--quiet" : arg;
  });
}
