import type { Command } from "commander";

/** Lets `rewrite` change the arguments of a command before Commander parses them. */
export function rewriteArguments(
  command: Command,
  rewrite: (args: string[], fail: (text: string) => never) => string[],
): Command {
  const parse = command.parseOptions.bind(command);
  const fail = (text: string) => command.error(text, { code: "porthole.obsoleteForm" });
  command.parseOptions = (args) => parse(rewrite(args, fail));
  return command;
}

/**
 * Rewrites `tail -20 FILE` as `tail -n 20 FILE`. Refuses GNU's other forms without an option
 * letter.
 */
export function tailArguments(args: string[], fail: (text: string) => never): string[] {
  return plainCount(args, /^([-+])(\d*)([bcl]?)(f?)$/, fail);
}

/**
 * Rewrites `head -20 FILE` as `head -n 20 FILE`. Refuses GNU's other forms without an option
 * letter.
 */
export function headArguments(args: string[], fail: (text: string) => never): string[] {
  return plainCount(args, /^(-)(\d+)([bckml]?)([qvz]*)$/, fail);
}

function plainCount(args: string[], form: RegExp, fail: (text: string) => never): string[] {
  const [first = "", ...rest] = args;
  const late = lateCount(args);
  if (late !== undefined) return fail(`${late} must be the first argument (use -n ${late.slice(1)})`);
  const [, sign, digits = "", unit = "", flags = ""] = form.exec(first) ?? [];
  // -c and -f are options.
  if (sign === undefined || /^-[cf]*$/.test(first)) return withoutOptionalValues(args);
  if (first === `-${digits}`) return ["-n", digits, ...withoutOptionalValues(rest)];
  const number = `${sign === "+" ? "+" : ""}${digits || "10"}${"bkm".includes(unit) ? unit : ""}`;
  const modern = [unit === "" || unit === "l" ? "-n" : "-c", number, ...Array.from(flags, (flag) => `-${flag}`)];
  const file = sign === "+" ? `, or ./${first} for a file of that name` : "";
  return fail(`obsolete form ${first} (use ${modern.join(" ")}${file})`);
}

/**
 * A number of lines that is not the first argument: `head FILE -20`, `head -q -20 FILE`. Commander
 * takes it for a file. A number after an option that has a value is the value.
 */
function lateCount(args: readonly string[]): string | undefined {
  const end = args.indexOf("--");
  return args
    .slice(0, end === -1 ? args.length : end)
    .find((arg, index) => /^-\d+$/.test(arg) && index > 0 && !WANTS_VALUE.test(args[index - 1] ?? ""));
}

/** An option whose value is the next argument. */
const WANTS_VALUE =
  /^(-[a-zA-Z]*[ncs]|--(bytes|lines|sleep-interval|pid|since|tz|color|route|engine|image|user|idle|label))$/;

/**
 * Rewrites `--follow` alone as `-f`. For an option with an optional value, Commander takes the next
 * word as the value. getopt_long(3) takes only a value that is joined by `=`.
 */
function withoutOptionalValues(args: string[]): string[] {
  const end = args.indexOf("--");
  return args.map((arg, index) => {
    if (end !== -1 && index > end) return arg;
    if (arg === "--follow") return "-f";
    return arg === "--silent" ? "--quiet" : arg;
  });
}
