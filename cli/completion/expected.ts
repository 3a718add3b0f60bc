import type { Command, Option } from "commander";

/** The possible kinds of the word at the cursor. */
export type Expected =
  /** One of these values, each after `prefix`, such as `--route=`. */
  | { kind: "values"; values: Candidate[]; prefix: string }
  /** A target such as `web:/path`. With `session`, a container without a path is enough. */
  | { kind: "target"; session: boolean; engine: string | undefined }
  /** `KEY` or `KEY=VALUE` of a container's labels, after `prefix`. */
  | { kind: "label"; prefix: string; engine: string | undefined }
  /** A file or program of this machine, which the shell completes. */
  | { kind: "file" | "program" };

export interface Candidate {
  value: string;
  description?: string | undefined;
}

/**
 * Determines from the definitions of the commands what the last word can be.
 * @param line the command line after the program's name; the last word may be empty
 */
export function expectedAt(root: Command, line: readonly string[]): Expected {
  const typed = line.at(-1) ?? "";
  const { command, operands, literal, expecting, engine } = walk(root, line.slice(0, -1));
  if (expecting !== undefined) return ofOption(expecting, "", engine);
  if (!literal && typed.startsWith("--") && typed.includes("=")) {
    const prefix = typed.slice(0, typed.indexOf("=") + 1);
    const option = findOption(command, prefix.slice(0, -1));
    return option === undefined ? { kind: "file" } : ofOption(option, prefix, engine);
  }
  if (!literal && typed.startsWith("-")) return { kind: "values", values: optionsOf(command), prefix: "" };
  if (command === root) {
    // A target instead of a command opens the screen.
    if (operands.count === 0 && /[:/]/.test(typed)) return { kind: "target", session: false, engine };
    return { kind: "values", values: operands.count === 0 ? commandsOf(root) : [], prefix: "" };
  }
  if (["with", "shell"].includes(command.name()) && literal)
    return { kind: operands.afterDashes === 0 ? "program" : "file" };
  return ofArgument(command, operands.count, engine);
}

/** Commands whose operands are all targets; `open` has only one. */
export const OF_TARGETS: ReadonlySet<string> = new Set(["cat", "head", "tail", "ls", "stat", "open"]);

/**
 * Determines the kind of the last word without the definitions of the commands, for a frequent
 * command line without options. Undefined for any other line.
 */
export function expectedOperand(line: readonly string[]): Expected | undefined {
  const [command = "", ...words] = line;
  if (!OF_TARGETS.has(command) || words.length === 0 || words.some((word) => word.startsWith("-"))) return undefined;
  if (command === "open" && words.length > 1) return undefined;
  return { kind: "target", session: false, engine: undefined };
}

interface Walked {
  command: Command;
  operands: { count: number; afterDashes: number };
  /** True for all words after `--`. */
  literal: boolean;
  /** The option whose value is the next word. */
  expecting: Option | undefined;
  engine: string | undefined;
}

function walk(root: Command, line: readonly string[]): Walked {
  const walked: Walked = {
    command: root,
    operands: { count: 0, afterDashes: 0 },
    literal: false,
    expecting: undefined,
    engine: undefined,
  };
  for (const word of line) {
    const option = walked.literal ? undefined : findOption(walked.command, word.replace(/=.*$/s, ""));
    if (walked.expecting !== undefined) {
      if (walked.expecting.long === "--engine") walked.engine = word;
      walked.expecting = undefined;
    } else if (word === "--" && !walked.literal) walked.literal = true;
    else if (option?.required && !word.includes("=")) walked.expecting = option;
    else if (option?.long === "--engine") walked.engine = word.slice("--engine=".length);
    else if (option === undefined && (walked.literal || !/^-./.test(word))) {
      const next = walked.command === root ? root.commands.find((command) => command.name() === word) : undefined;
      if (next !== undefined) walked.command = next;
      else walked.operands.count++;
      if (walked.literal) walked.operands.afterDashes++;
    }
  }
  return walked;
}

function findOption(command: Command, name: string): Option | undefined {
  return command.options.find(({ long, short }) => name === long || name === short);
}

function ofOption(option: Option, prefix: string, engine: string | undefined): Expected {
  if (option.long === "--label") return { kind: "label", prefix, engine };
  const choices = option.argChoices;
  if (choices === undefined) return { kind: "file" };
  return { kind: "values", values: choices.map((value) => ({ value })), prefix };
}

function optionsOf(command: Command): Candidate[] {
  const visible = command.createHelp().visibleOptions(command);
  return visible.flatMap(({ long, short, description }) =>
    [long, short].filter((name) => name !== undefined).map((value) => ({ value, description })),
  );
}

function commandsOf(root: Command): Candidate[] {
  return root
    .createHelp()
    .visibleCommands(root)
    .map((command) => ({ value: command.name(), description: command.summary() || command.description() }));
}

function ofArgument(command: Command, index: number, engine: string | undefined): Expected {
  const all = command.registeredArguments;
  const last = all.at(-1);
  const argument = all[index] ?? (last?.variadic ? last : undefined);
  if (argument?.argChoices !== undefined)
    return { kind: "values", values: argument.argChoices.map((value) => ({ value })), prefix: "" };
  if (command.name() === "help") return { kind: "values", values: commandsOf(command.parent ?? command), prefix: "" };
  const name = argument?.name();
  if (name === "target" || name === "container" || (name === "name" && command.name() === "detach"))
    return { kind: "target", session: name !== "target", engine };
  return { kind: "file" };
}
