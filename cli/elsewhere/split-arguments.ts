/** A word of a command line: an option with its value, or an operand. */
export interface Argument {
  /** The words in the form that porthole parses. */
  args: string[];
  /** Name of the option, without dashes; undefined for an operand. */
  option: string | undefined;
}

/** The options of a command, with their long names. */
export interface OptionTable {
  has(flag: string): boolean;
  /** Returns undefined for an unknown option. @param flag `-x` or `--name` */
  find(flag: string): { name: string; takesValue: boolean } | undefined;
  /** True if all words after the first operand are operands, as for find(1). */
  stopsAtOperand: boolean;
}

/**
 * Splits words into options and operands, as getopt_long(3) does. Separates combined short options.
 * Keeps unknown options unchanged, so that porthole reports them.
 * @param takeOther removes words of other options from the front; returns true if it did
 */
export function splitArguments(
  args: readonly string[],
  table: OptionTable,
  takeOther: (left: string[]) => boolean,
): Argument[] {
  const found: Argument[] = [];
  const left = [...args];
  while (left.length > 0) {
    const [word = ""] = left;
    if (word === "--") {
      left.shift();
      return [...found, ...left.map(operand)];
    }
    if (takeOther(left)) continue;
    left.shift();
    if (!/^-./.test(word)) {
      found.push(operand(word));
      if (table.stopsAtOperand) return [...found, ...left.map(operand)];
    } else if (word.startsWith("--")) found.push(longOption(word, left, table));
    else found.push(...cluster(word, left, table));
  }
  return found;
}

function operand(word: string): Argument {
  return { args: [word], option: undefined };
}

function longOption(word: string, left: string[], table: OptionTable): Argument {
  const [flag = ""] = word.split("=", 1);
  const known = table.find(flag);
  const value = known?.takesValue && flag === word ? left.splice(0, 1) : [];
  return { args: [word, ...value], option: known?.name ?? flag.slice(2) };
}

function cluster(word: string, left: string[], table: OptionTable): Argument[] {
  const found: Argument[] = [];
  for (let at = 1; at < word.length; at++) {
    const flag = `-${word.charAt(at)}`;
    const known = table.find(flag);
    // Handles `tail -20`, and unknown letters.
    if (known === undefined) return [...found, { args: [`-${word.slice(at)}`], option: word.slice(at) }];
    if (known.takesValue) {
      const rest = word.slice(at + 1);
      return [...found, { args: rest === "" ? [flag, ...left.splice(0, 1)] : [flag, rest], option: known.name }];
    }
    found.push({ args: [flag], option: known.name });
  }
  return found;
}
