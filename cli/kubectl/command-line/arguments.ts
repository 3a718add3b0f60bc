import { PortholeError } from "../../../src/errors.ts";
import { type Argument, type OptionTable, splitArguments } from "../../elsewhere/split-arguments.ts";
import { TakenOptions } from "./taken-options.ts";
import { checkOptions, unknownCommand } from "./unknown-words.ts";
import { isPodKind, isWorkloadKind } from "./workload-kinds.ts";

/** A target of the command line: `[NAMESPACE/]POD[/CONTAINER][:PATH]`. */
export interface PodTarget {
  namespace: string | undefined;
  /** A name or a glob; undefined with a selector, which selects all pods that match it. */
  pod: string | undefined;
  /** Labels of the pods, as for `kubectl get --selector`; undefined for a pod. */
  selector: string | undefined;
  /** Such as `deploy/web`; its selector is found later. Undefined for a pod or `--selector`. */
  workload?: string | undefined;
  container: string | undefined;
  /** The path with its colon; empty for commands on whole containers. */
  path: string;
}

/** A part of the command line for a node: an unchanged word, or a target. */
export type Part = { word: Argument } | { target: PodTarget };

/** A command line of `kubectl porthole`. */
export interface Request {
  /** The porthole command, such as `tail`. */
  command: string;
  parts: Part[];
  /** Options for every call of kubectl, such as `--context`. */
  kubectl: string[];
  namespace: string | undefined;
  /** Pods of all namespaces, unless a target names one. */
  allNamespaces: boolean;
  /** Namespace of the helper pods. */
  helperNamespace: string;
  /** Image for a new helper on a node without a helper. */
  image: string | undefined;
  /** Run in ephemeral containers of the pods, without a helper pod. */
  isEphemeral: boolean;
  /** Profile of `kubectl debug` for them; undefined selects one for each pod. */
  profile: string | undefined;
}

/** Commands that read pods, with the operands that are targets. */
const COMMANDS: Readonly<Record<string, "all" | "first" | "sources" | "expression" | "pattern">> = {
  ...{ cat: "all", head: "all", tail: "all", ls: "all", stat: "all", ps: "all" },
  ...{ hexdump: "first", open: "first", browse: "first", doctor: "first" },
  ...{ cp: "sources", find: "expression", grep: "pattern" },
};

export const COMMAND_NAMES: readonly string[] = Object.keys(COMMANDS);

/** Commands whose target may be a container without a path. */
const WITHOUT_PATH: ReadonlySet<string> = new Set(["ps", "browse", "doctor"]);
/** Commands that read a pod's output if the pods come only from a selector. */
const OF_OUTPUT: ReadonlySet<string> = new Set(["cat", "head", "tail", "grep"]);

/**
 * Parses the words after `kubectl porthole`. kubectl's options are valid before the command. After
 * the command they are valid unless it has an option of that name: `-n` after `grep` is an option
 * of grep. `tail -n` and `head -n` take a number of lines or a namespace, and `-c` a number of
 * bytes or a container.
 * @param optionsOf returns the options of a porthole command
 * @throws PortholeError USAGE
 */
export function parseRequest(args: readonly string[], optionsOf: (command: string) => OptionTable): Request {
  const taken = new TakenOptions();
  const left = [...args];
  while (left[0] !== undefined && taken.take(left));
  const [first = ""] = left;
  const isCommand = /^[a-z-]+$/.test(first) && first in COMMANDS;
  if (!isCommand && (first.startsWith("-") || !/[:]/.test(first))) throw unknownCommand(first, COMMAND_NAMES, USAGE);
  const command = isCommand ? (left.shift() ?? "") : "open";
  const table = optionsOf(command);
  const split = splitArguments(left, table, (rest) => !isOfCommand(command, rest, table) && taken.take(rest));
  checkOptions(command, split, table);
  if (taken.get("profile") !== undefined && !taken.isEphemeral)
    throw new PortholeError("USAGE", "--profile needs --ephemeral", {
      hint: "add --ephemeral, or leave out --profile",
    });
  const container = taken.get("container") ?? (taken.allContainers ? "*" : undefined);
  const parts = partsOf(command, split, taken.get("selector")).map((part) => inContainer(part, container));
  if (taken.allNamespaces) checkAllNamespaces(parts);
  return {
    ...{ command, parts, kubectl: taken.kubectl },
    ...{ namespace: taken.allNamespaces ? undefined : taken.get("namespace"), allNamespaces: taken.allNamespaces },
    ...{ image: taken.get("image"), isEphemeral: taken.isEphemeral, profile: taken.get("profile") },
    helperNamespace: taken.get("helper-namespace") ?? "porthole",
  };
}

function checkAllNamespaces(parts: readonly Part[]): void {
  for (const part of parts)
    if ("target" in part && part.target.workload !== undefined)
      throw new PortholeError("USAGE", `-A: ${part.target.workload} is in one namespace`, {
        hint: "use -n NAMESPACE, or -l SELECTOR",
      });
}

/** Sets the container of a target that names none. */
function inContainer(part: Part, container: string | undefined): Part {
  if (!("target" in part) || part.target.container !== undefined || container === undefined) return part;
  return { target: { ...part.target, container } };
}

/** True if the command itself has the option at the front of the words. */
export function isOfCommand(command: string, [word = "", next = ""]: readonly string[], table: OptionTable): boolean {
  // A number of lines or a namespace; a number of bytes or a container.
  const [, number] = /^-[nc](.*)$/s.exec(word) ?? [];
  if ((command === "tail" || command === "head") && number !== undefined)
    return /^[+-]?\d+[A-Za-z]*$/.test(number === "" ? next : number);
  const flag = word.startsWith("--") ? (word.split("=", 1)[0] ?? "") : word.slice(0, 2);
  // The commands have it for remote engines.
  return flag !== "--image" && table.has(flag);
}

function partsOf(command: string, args: readonly Argument[], selector: string | undefined): Part[] {
  const isMerge = command === "open" && args.some(({ option }) => option === "merge");
  const kind = isMerge ? "all" : COMMANDS[command];
  const last = args.filter(({ option }) => option === undefined).length - 1;
  let operands = 0;
  let inExpression = false;
  const hasPattern =
    kind === "pattern" && args.some(({ option }) => /^(regexp|file|files|type-list)$/.test(option ?? ""));
  const parts = args.map((word): Part => {
    if (word.option !== undefined || inExpression) return { word };
    const [text = ""] = word.args;
    if (kind === "expression" && operands > 0 && /^[-(!]/.test(text)) inExpression = true;
    const index = operands++;
    const isTarget =
      !inExpression &&
      !(kind === "first" && index > 0) &&
      !(kind === "sources" && index === last) &&
      !(kind === "pattern" && !hasPattern && index === 0);
    // Words such as +G and +/text are start positions of `open`.
    if (!isTarget || (command === "open" && text.startsWith("+"))) {
      if (command === "open" && text.startsWith("+")) operands--;
      return { word };
    }
    return { target: parseTarget(text, command, selector) };
  });
  if (kind === "sources" && last < 1)
    throw new PortholeError("USAGE", `cp: missing ${last < 0 ? "pod" : "destination"}`, {
      hint: "write kubectl porthole cp POD[/CONTAINER]:/path .",
    });
  if (parts.some((part) => "target" in part)) return parts;
  if (selector === undefined) throw new PortholeError("USAGE", `${command}: missing pod`, { hint: USAGE });
  if (!OF_OUTPUT.has(command) && !WITHOUT_PATH.has(command))
    throw new PortholeError("USAGE", `${command}: missing path`, { hint: "add it: -l app=web :/path" });
  const path = OF_OUTPUT.has(command) ? ":@logs" : "";
  return [...parts, { target: { ...NO_POD, selector, path } }];
}

const NO_POD = { namespace: undefined, pod: undefined, container: undefined, selector: undefined };
const USAGE = "write kubectl porthole COMMAND POD[/CONTAINER]:/path, or -l app=web :/path";
const NAME = /^[A-Za-z0-9*?[\]][A-Za-z0-9_.*?[\]-]*$/;

/**
 * Parses `POD[/CONTAINER]:PATH`, `NAMESPACE/POD/CONTAINER:PATH` and `TYPE/NAME[/CONTAINER]:PATH`,
 * such as `deploy/web:PATH`; with a selector `[CONTAINER]:PATH` or PATH alone. Also accepts
 * `pod:NAMESPACE/POD[/CONTAINER]:PATH`, which porthole prints.
 */
function parseTarget(text: string, command: string, selector: string | undefined): PodTarget {
  const isPrinted = /^pod:[^/@]/.test(text);
  const own = isPrinted ? text.slice(4) : text;
  const isBare = selector !== undefined && /^[/@]/.test(own);
  const [, name = "", path = ""] = isBare ? ["", "", `:${own}`] : (/^([^:]*)(:.*)?$/s.exec(own) ?? []);
  const names = name === "" ? [] : name.split("/");
  if (isLabels(text))
    throw new PortholeError("USAGE", `'${text}' is no pod`, {
      hint: `-l is an option of ${command}: write --selector ${text}`,
    });
  if (!names.every((one) => NAME.test(one)) || names.length > 3) throw noPod(text);
  if (path === "" && !WITHOUT_PATH.has(command))
    throw new PortholeError("USAGE", `'${text}' has no path`, { hint: `write ${text}:/path or ${text}:@logs` });
  if (path !== "" && !/^:(?:[/]|@(?:logs|stdout|stderr)$)/.test(path))
    throw new PortholeError("USAGE", `'${text}' has no path that begins with a slash, and no output`, {
      hint: `write ${name}:/path or ${name}:@logs, @stdout, @stderr`,
    });
  if (selector !== undefined) {
    if (names.length > 1)
      throw new PortholeError("USAGE", `'${text}' names a pod, which --selector excludes`, {
        hint: "use one of the two",
      });
    return { ...NO_POD, selector, container: names[0], path };
  }
  const [first, second, third] = !isPrinted && isPodKind(names[0] ?? "") ? names.slice(1) : names;
  if (first === undefined) throw noPod(text);
  if (!isPrinted && second !== undefined && isWorkloadKind(first))
    return { ...NO_POD, workload: `${first}/${second}`, container: third, path };
  if (third !== undefined) return { ...NO_POD, namespace: first, pod: second, container: third, path };
  if (isPrinted && second !== undefined) return { ...NO_POD, namespace: first, pod: second, path };
  return { ...NO_POD, pod: first, container: second, path };
}

/** True for labels, such as `app=web`. */
function isLabels(text: string): boolean {
  return /^[^:@]+=[^:]*$/.test(text);
}

function noPod(text: string): PortholeError {
  return new PortholeError("USAGE", `'${text}' has no pod`, { hint: "write POD[/CONTAINER]:/path" });
}
