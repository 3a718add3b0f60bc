import { PortholeError } from "../errors.ts";
import { parseTime } from "../text/records/time.ts";
import { compileGlob } from "./glob.ts";
import type { TakenFile } from "./walk.ts";

/** The properties of a file that an expression uses. */
export type JudgedFile = Omit<TakenFile, "todo">;

/** A parsed find expression. */
export interface FindExpression {
  minDepth: number;
  maxDepth: number;
  /** `-xdev`: shows directories of other file systems but does not enter them. */
  oneFileSystem: boolean;
  /** True if a test needs more than name and type. */
  needsStat: boolean;
  /**
   * True if a test needs owners as the target numbers them, which only its agent knows: a program
   * of this machine may see other numbers.
   */
  needsOwners: boolean;
  /** Evaluates a file: the line ends to print it with, and whether to skip its content. */
  judge(file: JudgedFile): { prints: ("\n" | "\0")[]; prune: boolean };
}

/**
 * Parses the read-only part of find(1)'s expression: -name -iname -path -ipath -type -size -perm
 * -uid -gid -newermt -mtime -mmin, -not -a -o and parentheses, -prune, -print -print0, -maxdepth
 * -mindepth -xdev, with find's precedence. Without an action, matches are printed.
 * @param now milliseconds since 1970, the base of -mtime and relative times
 * @throws PortholeError USAGE
 */
export function parseFind(args: readonly string[], now: number): FindExpression {
  const parser = new Parser(args, now);
  const test = parser.expression();
  const { settings } = parser;
  return {
    ...settings,
    judge(file) {
      const outcome: Outcome = { prints: [], prune: false };
      const isMatch = test(file, outcome);
      if (file.depth < settings.minDepth) outcome.prints = [];
      else if (isMatch && !parser.hasAction) outcome.prints.push("\n");
      return outcome;
    },
  };
}

interface Outcome {
  prints: ("\n" | "\0")[];
  prune: boolean;
}

type Test = (file: JudgedFile, outcome: Outcome) => boolean;
type JudgedStat = NonNullable<JudgedFile["stat"]>;

class Parser {
  readonly settings = {
    ...{ minDepth: 0, maxDepth: Number.POSITIVE_INFINITY },
    ...{ oneFileSystem: false, needsStat: false, needsOwners: false },
  };
  hasAction = false;
  readonly #args: readonly string[];
  readonly #now: number;
  #at = 0;

  constructor(args: readonly string[], now: number) {
    this.#args = args;
    this.#now = now;
  }

  expression(): Test {
    if (this.#args.length === 0) return () => true;
    const test = this.#or();
    if (this.#at < this.#args.length) throw usage(`unexpected '${this.#args[this.#at]}'`);
    return test;
  }

  #or(): Test {
    const [first, ...others] = this.#list(() => this.#and(), ["-o", "-or"]);
    return others.reduce<Test>((one, other) => (file, outcome) => one(file, outcome) || other(file, outcome), first);
  }

  #and(): Test {
    let test = this.#not();
    for (;;) {
      const word = this.#args[this.#at];
      if (word === undefined || word === ")" || word === "-o" || word === "-or") return test;
      if (word === "-a" || word === "-and") this.#at++;
      const [one, other] = [test, this.#not()];
      test = (file, outcome) => one(file, outcome) && other(file, outcome);
    }
  }

  #list(part: () => Test, separators: string[]): [Test, ...Test[]] {
    const parts: [Test, ...Test[]] = [part()];
    while (separators.includes(this.#args[this.#at] ?? "")) {
      this.#at++;
      parts.push(part());
    }
    return parts;
  }

  #not(): Test {
    const word = this.#args[this.#at];
    if (word === "!" || word === "-not") {
      this.#at++;
      const test = this.#not();
      return (file, outcome) => !test(file, outcome);
    }
    if (word !== "(") return this.#primary();
    this.#at++;
    const test = this.#or();
    if (this.#args[this.#at] !== ")") throw usage("missing ')' after '('");
    this.#at++;
    return test;
  }

  #primary(): Test {
    const word = this.#args[this.#at++];
    switch (word) {
      case "-name":
      case "-iname": {
        const test = compileGlob(this.#value(word), { ignoreCase: word === "-iname" });
        return ({ name }) => test(name);
      }
      case "-path":
      case "-wholename":
      case "-ipath":
      case "-iwholename": {
        const test = compileGlob(this.#value(word), { ignoreCase: word.startsWith("-i") });
        return ({ path }) => test(path);
      }
      case "-type": {
        const types = this.#value(word).split(",").map(typeNumber);
        return ({ type }) => types.includes(type);
      }
      case "-size":
        return this.#byStat(sizeTest(this.#value(word)));
      case "-perm":
        return this.#byStat(modeTest(this.#value(word)));
      case "-uid":
      case "-gid": {
        const compare = comparison(word, this.#value(word));
        const id = word === "-uid" ? "uid" : "gid";
        this.settings.needsOwners = true;
        return this.#byStat((stat) => stat[id] !== undefined && compare(BigInt(stat[id])));
      }
      case "-newermt": {
        const time = BigInt(Math.round(parseTime(this.#value(word), this.#now) * 1000)) * 1000n;
        return this.#byStat(({ mtime }) => mtime > time);
      }
      case "-mtime":
      case "-mmin": {
        const compare = comparison(word, this.#value(word));
        const unit = word === "-mmin" ? 60_000 : 86_400_000;
        // Rounds as find(1) does: -mtime down to days, and -mmin up to minutes.
        const round = word === "-mmin" ? Math.ceil : Math.floor;
        return this.#byStat(({ mtime }) => compare(BigInt(round((this.#now - Number(mtime) / 1e6) / unit))));
      }
      case "-prune":
        return (_, outcome) => {
          outcome.prune = true;
          return true;
        };
      case "-print":
      case "-print0": {
        this.hasAction = true;
        const end = word === "-print" ? "\n" : "\0";
        return (_, outcome) => outcome.prints.push(end) > 0;
      }
      case "-maxdepth":
        this.settings.maxDepth = depth(word, this.#value(word));
        return () => true;
      case "-mindepth":
        this.settings.minDepth = depth(word, this.#value(word));
        return () => true;
      case "-xdev":
      case "-mount":
        this.settings.oneFileSystem = true;
        this.settings.needsStat = true;
        return () => true;
      case undefined:
        throw usage(`missing expression after '${this.#args.at(-1)}'`);
      default:
        throw unknown(word);
    }
  }

  #value(word: string): string {
    const value = this.#args[this.#at++];
    if (value === undefined) throw usage(`${word} needs a value`);
    return value;
  }

  #byStat(test: (stat: JudgedStat) => boolean): Test {
    this.settings.needsStat = true;
    return ({ stat }) => stat !== undefined && test(stat);
  }
}

const known =
  "-name -iname -path -ipath -type -size -perm -uid -gid -newermt -mtime -mmin -maxdepth -mindepth -xdev -prune -print -print0 -not -a -o ( )";

function unknown(word: string): PortholeError {
  if (/^-(delete|exec|execdir|ok|okdir|fls|fprint0?|fprintf)$/.test(word))
    return usage(`${word} is not supported: porthole only reads`, "use -print0 and xargs -0");
  if (/^-(ls|printf)$/.test(word)) return usage(`${word} is not supported`, "use porthole find --json TARGET");
  if (/^-(user|group|nouser|nogroup)$/.test(word))
    return usage(`${word} is not supported`, `use ${word.endsWith("user") ? "-uid" : "-gid"} and a number`);
  if (word.startsWith("--")) return usage(`${word} follows a target`, "put porthole's options before the first target");
  return usage(`unknown predicate ${word}`, `supported: ${known}`);
}

function usage(what: string, hint?: string): PortholeError {
  return new PortholeError("USAGE", `find: ${what}`, { hint });
}

/** `d_type` of getdents64(2). */
const typeNumbers: Record<string, number> = { f: 8, d: 4, l: 10, p: 1, s: 12, b: 6, c: 2 };

function typeNumber(letter: string): number {
  const number = typeNumbers[letter];
  if (number === undefined) throw usage(`invalid -type '${letter}': use f, d, l, p, s, b or c`);
  return number;
}

const units: Record<string, bigint> = { c: 1n, w: 2n, b: 512n, k: 1024n, M: 1024n ** 2n, G: 1024n ** 3n };

function sizeTest(text: string): (stat: JudgedStat) => boolean {
  const unit = units[text.at(-1) ?? ""];
  const compare = comparison("-size", unit === undefined ? text : text.slice(0, -1));
  const size = unit ?? 512n;
  // Rounds up to units, so `-size -1M` means an empty file.
  return (stat) => compare((stat.size + size - 1n) / size);
}

/** `644`: exactly these permission bits; `-644`: all of them; `/6000`: any of them. */
function modeTest(text: string): (stat: JudgedStat) => boolean {
  const [, how, digits] = /^([-/]?)([0-7]{1,4})$/.exec(text) ?? [];
  if (digits === undefined) throw usage(`invalid -perm '${text}': use octal digits, such as 644, -222 or /6000`);
  const wanted = Number.parseInt(digits, 8);
  if (how === "/") return ({ mode }) => wanted === 0 || (mode & wanted) !== 0;
  if (how === "-") return ({ mode }) => (mode & wanted) === wanted;
  return ({ mode }) => (mode & 0o7777) === wanted;
}

function comparison(word: string, text: string): (value: bigint) => boolean {
  const match = /^([+-]?)(\d{1,18})$/.exec(text);
  if (match === null) throw usage(`invalid ${word} '${text}': use N, +N or -N`);
  const wanted = BigInt(match[2] as string);
  if (match[1] === "+") return (value) => value > wanted;
  if (match[1] === "-") return (value) => value < wanted;
  return (value) => value === wanted;
}

function depth(word: string, text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw usage(`invalid ${word} '${text}': use a number of levels`);
  return Number(text);
}
