import type { Command, Option } from "commander";

/** Long options that a command takes in another spelling: see traditional.ts. */
const spellings: Record<string, readonly string[]> = { head: ["--silent"], tail: ["--silent"] };

/** GNU's own long options, where porthole has more: an abbreviation that is one of these with GNU stays so. */
const gnuOptions: Record<string, readonly string[]> = {
  head: ["--bytes", "--lines", "--quiet", "--silent", "--verbose", "--zero-terminated", "--help"],
  tail: [
    ...["--bytes", "--follow", "--lines", "--max-unchanged-stats", "--pid", "--quiet", "--retry", "--silent"],
    ...["--sleep-interval", "--verbose", "--zero-terminated", "--help"],
  ],
};

/** Lets a command take long options by any unambiguous beginning, as getopt_long(3): `--lin=3`. */
export function abbreviating(command: Command): Command {
  const parse = command.parseOptions.bind(command);
  command.parseOptions = (args) => parse(args.some((arg) => arg.startsWith("--")) ? writtenOut(command, args) : args);
  return command;
}

function writtenOut(command: Command, args: readonly string[]): string[] {
  const { options } = command;
  const done: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    // A command whose operands are followed by words of their own (find) has no options behind the first.
    if (arg === "--" || (!isOption(arg) && Reflect.get(command, "_passThroughOptions") === true))
      return [...done, ...args.slice(at)];
    const whole = arg.startsWith("--") ? longOption(command, arg) : arg;
    done.push(whole);
    // The next word is this option's, whatever it looks like.
    if (takesNext(whole, options) && at + 1 < args.length) done.push(args[++at] ?? "");
  }
  return done;
}

function isOption(arg: string): boolean {
  return arg.length > 1 && arg.startsWith("-");
}

function longOption(command: Command, arg: string): string {
  const [name = "", value] = /^([^=]+)(=.*)?$/s.exec(arg)?.slice(1) ?? [];
  const known = [
    ...command.options.filter(({ hidden }) => !hidden).map(({ long }) => long ?? ""),
    ...(spellings[command.name()] ?? []),
    "--help",
  ];
  if (known.includes(name) || command.options.some(({ long }) => long === name)) return arg;
  const begun = known.filter((long) => long.startsWith(name));
  const [only, ...others] = begun;
  const ofGnu = (gnuOptions[command.name()] ?? []).filter((long) => long.startsWith(name));
  const meant = others.length > 0 && ofGnu.length === 1 ? ofGnu[0] : only;
  if (meant === undefined) return arg;
  if (others.length > 0 && ofGnu.length !== 1) {
    const text = `option '${name}' is ambiguous: ${begun.join(", ")}`;
    command.error(text, { code: "commander.ambiguousOption" });
  }
  return meant + (value ?? "");
}

function takesNext(arg: string, options: readonly Option[]): boolean {
  // --follow alone has no value: see traditional.ts.
  if (arg.startsWith("--")) return arg !== "--follow" && options.some(({ long, required }) => required && long === arg);
  if (!isOption(arg)) return false;
  // A cluster of letters ends with the first that takes a value: what is behind it in the word is that value.
  for (let at = 1; at < arg.length; at++) {
    const option = options.find(({ short }) => short === `-${arg[at]}`);
    if (option === undefined) return false;
    if (option.required) return at === arg.length - 1;
  }
  return false;
}
