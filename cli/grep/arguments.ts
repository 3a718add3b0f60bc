import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { PortholeError } from "../../src/errors.ts";
import { REFUSED, SHORT, WITH_VALUE, WITHOUT_PATTERN, WITHOUT_TARGET } from "./flags.ts";

/** An option of ripgrep on the command line. */
export interface Flag {
  /** The long name, without dashes. */
  name: string;
  value: string | undefined;
}

/** A parsed command line of ripgrep. */
export interface ParsedArguments {
  flags: Flag[];
  /** The targets. The pattern comes first, unless an option gives it. */
  operands: string[];
}

/**
 * Parses words as ripgrep does: `-A3`, `-A=3`, `-A 3`, `-inC2`, `--context=3`, `--context 3`. Every
 * word after `--` is an operand.
 */
export function parseArguments(args: readonly string[]): ParsedArguments {
  const flags: Flag[] = [];
  const operands: string[] = [];
  const left = [...args];
  const take = (option: string, attached: string | undefined) => {
    const value = attached ?? left.shift();
    if (value === undefined) throw usage(`option ${option} needs a value`);
    return value;
  };
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    if (word === "--") operands.push(...left.splice(0));
    else if (word.startsWith("--")) {
      const [, name = "", attached] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
      const habit = LONG_HINTS[name];
      if (habit !== undefined) throw usage(`unrecognized option --${name}`, habit);
      const value = WITH_VALUE.has(name) ? take(`--${name}`, attached) : attached;
      flags.push({ name, value });
    } else if (word.startsWith("-") && word !== "-") readCluster(word.slice(1), flags, take);
    else operands.push(word);
  }
  return { flags, operands };
}

type Take = (option: string, attached: string | undefined) => string;

function readCluster(letters: string, flags: Flag[], take: Take): void {
  for (let at = 0; at < letters.length; ) {
    const letter = String.fromCodePoint(letters.codePointAt(at) ?? 0);
    at += letter.length;
    const name = OTHER[letter] ?? SHORT[letter];
    if (name === undefined) throw usage(`unrecognized option -${letter}`, hintFor(letters, letter));
    if (!WITH_VALUE.has(name)) {
      flags.push({ name, value: undefined });
      continue;
    }
    const rest = letters.slice(at).replace(/^=/, "");
    if (name === "replace") refuseHabit(letters.slice(at));
    flags.push({ name, value: take(`-${letter}`, at < letters.length ? rest : undefined) });
    return;
  }
}

function hintFor(letters: string, letter: string): string {
  const [lines] = /^\d+/.exec(letters) ?? [];
  return lines === undefined ? (HINTS[letter] ?? "porthole grep --help") : `write -C ${lines}`;
}

/**
 * Letters that do not mean the long option of {@link SHORT}: grep(1) uses -h for ripgrep's -I, and
 * `-V` prints less than `--version`.
 */
const OTHER: Readonly<Record<string, string>> = { h: "no-filename", V: "V" };

const RECURSIVE = "leave it out: directories are always searched recursively";
const EXTENDED = "leave it out: expressions are always extended";

/** Options of grep(1) that ripgrep lacks, with what to write. */
const HINTS: Readonly<Record<string, string>> = { R: RECURSIVE, G: EXTENDED, Z: "write -0", y: "write -i" };
const LONG_HINTS: Readonly<Record<string, string>> = {
  include: "write -g GLOB",
  exclude: "write -g '!GLOB'",
  "exclude-dir": "write -g '!GLOB'",
  recursive: RECURSIVE,
  "dereference-recursive": "write --follow: directories are always searched recursively",
  "extended-regexp": EXTENDED,
  "basic-regexp": EXTENDED,
  "perl-regexp": "write -P",
  silent: "write -q",
  colour: "write --color",
};

/** What grep(1) means by a letter is another option here, whose value would be the next word. */
const HABITS: Readonly<Record<string, string>> = {
  replace: "-r means --replace, directories are always searched recursively",
  encoding: "-E means --encoding, expressions are always extended",
};

/** Returns the options among these that grep(1) reads differently, for a hint; empty without. */
export function habitsIn(flags: readonly Flag[]): string {
  return Object.entries(HABITS)
    .filter(([option]) => flags.some(({ name }) => name === option))
    .map(([, meaning]) => `; ${meaning}`)
    .join("");
}

/** Refuses `-rn`, which would print each match as `n`. */
function refuseHabit(attached: string): void {
  if (!/^[A-Za-z]+$/.test(attached) || ![...attached].every((letter) => letter === "h" || letter in SHORT)) return;
  const hint = `-${attached}: directories are always searched recursively; --replace=${attached} replaces`;
  throw usage(`-r${attached} would replace each match by '${attached}'`, hint);
}

/** True if the word after an option is its value. */
export function takesValue(word: string): boolean {
  if (word.startsWith("--")) return WITH_VALUE.has(word.slice(2));
  if (!word.startsWith("-")) return false;
  const letters = [...word.slice(1)];
  const at = letters.findIndex((letter) => WITH_VALUE.has(SHORT[letter] ?? ""));
  return at !== -1 && at === letters.length - 1;
}

/**
 * Formats options as words. Paths of this machine become absolute, because ripgrep runs in another
 * directory.
 */
export function writeFlags(flags: readonly Flag[]): string[] {
  return flags.map(({ name, value }) => {
    if (value === undefined) return name.length === 1 ? `-${name}` : `--${name}`;
    const isPath = name === "ignore-file" || (name === "file" && value !== "-");
    return `--${name}=${isPath ? resolve(value) : value}`;
  });
}

/**
 * Refuses options that are not available.
 * @throws PortholeError USAGE
 */
export function refuseFlags(flags: readonly Flag[]): void {
  for (const { name } of flags) {
    const reason = REFUSED[name];
    if (reason !== undefined) throw usage(`--${name} is not available: ${reason}`);
  }
}

/**
 * Reads the available options from the file in `RIPGREP_CONFIG_PATH` (one word per line, `#` for
 * comments). Empty with `--no-config`.
 * @throws PortholeError USAGE if the file cannot be read
 */
export function configuredFlags(given: readonly Flag[]): Flag[] {
  const path = process.env.RIPGREP_CONFIG_PATH;
  if (!path || given.some(({ name }) => name === "no-config")) return [];
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw usage(`cannot read RIPGREP_CONFIG_PATH: ${(error as Error).message}`, "unset it, or use --no-config");
  }
  const args = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  return parseArguments(args).flags.filter(({ name }) => REFUSED[name] === undefined);
}

/** Queries on a list of options. */
export class FlagSet {
  readonly #flags: readonly Flag[];

  constructor(flags: readonly Flag[]) {
    this.#flags = flags;
  }

  has(name: string): boolean {
    return this.#flags.some((flag) => flag.name === name);
  }

  /** The last value of an option. */
  value(name: string): string | undefined {
    return this.values(name).at(-1);
  }

  values(name: string): string[] {
    return this.#flags.flatMap((flag) => (flag.name === name && flag.value !== undefined ? [flag.value] : []));
  }

  /** True if `on` is given, and not overridden by a later `off`. */
  isOn(on: string, off: string): boolean {
    return this.#flags.findLast(({ name }) => name === on || name === off)?.name === on;
  }

  count(name: string): number {
    return this.#flags.filter((flag) => flag.name === name).length;
  }

  get needsPattern(): boolean {
    return !this.#flags.some(({ name }) => name === "regexp" || name === "file" || WITHOUT_PATTERN.has(name));
  }

  get needsTarget(): boolean {
    return !this.#flags.some(({ name }) => WITHOUT_TARGET.has(name));
  }

  /** True if hidden files are searched. */
  get seesHidden(): boolean {
    return this.isOn("hidden", "no-hidden") || this.count("unrestricted") > 1;
  }

  /** True if ignore files apply. */
  get heedsIgnoreFiles(): boolean {
    return !this.isOn("no-ignore", "ignore") && this.count("unrestricted") === 0;
  }
}

function usage(what: string, hint?: string): PortholeError {
  return new PortholeError("USAGE", what, { hint });
}
