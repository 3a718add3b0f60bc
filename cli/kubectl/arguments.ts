import { PortholeError } from "../../src/errors.ts";
import { type Argument, type OptionTable, splitArguments } from "../elsewhere/split-arguments.ts";

/** A target of the command line: `[NAMESPACE/]POD[/CONTAINER][:PATH]`. */
export interface PodTarget {
  namespace: string | undefined;
  /** A name or a glob; undefined with a selector, which selects all pods that match it. */
  pod: string | undefined;
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
  selector: string | undefined;
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
const COMMANDS: Readonly<Record<string, "all" | "first" | "expression" | "pattern">> = {
  ...{ cat: "all", head: "all", tail: "all", ls: "all", stat: "all", ps: "all" },
  ...{ hexdump: "first", open: "first", browse: "first", doctor: "first" },
  ...{ find: "expression", grep: "pattern" },
};

/** Commands whose target may be a container without a path. */
const WITHOUT_PATH: ReadonlySet<string> = new Set(["ps", "browse", "doctor"]);
/** Commands that read a pod's output if the pods come only from a selector. */
const OF_OUTPUT: ReadonlySet<string> = new Set(["cat", "head", "tail", "grep"]);

/** kubectl's options with a value: long names and letters. */
const KUBECTL: ReadonlySet<string> = new Set([
  ...["--context", "--kubeconfig", "--cluster", "--user", "--as", "--as-group", "--as-uid", "--server", "-s"],
  ...["--token", "--request-timeout", "--tls-server-name", "--certificate-authority", "--client-certificate"],
  ...["--client-key", "--username", "--password"],
]);
const KUBECTL_SWITCHES: ReadonlySet<string> = new Set(["--insecure-skip-tls-verify"]);
const OWN: ReadonlySet<string> = new Set([
  "-n",
  "--namespace",
  "-l",
  "--selector",
  "--helper-namespace",
  "--image",
  "--profile",
]);

/**
 * Parses the words after `kubectl porthole`. kubectl's options are valid before the command. After
 * the command they are valid unless it has an option of that name: `-n` after `grep` is an option
 * of grep. `tail -n` and `head -n` take a number of lines or a namespace.
 * @param optionsOf returns the options of a porthole command
 * @throws PortholeError USAGE
 */
export function parseRequest(args: readonly string[], optionsOf: (command: string) => OptionTable): Request {
  const taken = new TakenOptions();
  const left = [...args];
  while (left[0] !== undefined && taken.take(left));
  const [first = ""] = left;
  const isCommand = /^[a-z-]+$/.test(first) && first in COMMANDS;
  if (!isCommand && (first.startsWith("-") || !/[:]/.test(first))) throw unknown(first);
  const command = isCommand ? (left.shift() ?? "") : "open";
  const table = optionsOf(command);
  const split = splitArguments(left, table, (rest) => !isOfCommand(command, rest, table) && taken.take(rest));
  if (taken.profile !== undefined && !taken.isEphemeral)
    throw new PortholeError("USAGE", "--profile needs --ephemeral", {
      hint: "add --ephemeral, or leave out --profile",
    });
  const { selector, namespace } = taken;
  return {
    command,
    parts: partsOf(command, split, selector),
    kubectl: taken.kubectl,
    ...{
      namespace,
      selector,
      image: taken.image,
      isEphemeral: taken.isEphemeral,
      profile: taken.profile,
      helperNamespace: taken.helperNamespace ?? "porthole",
    },
  };
}

/** True if the command has an option of that name for pods. */
function isOfCommand(command: string, [word = "", next = ""]: readonly string[], table: OptionTable): boolean {
  const [, lines] = /^-n(.*)$/s.exec(word) ?? [];
  if ((command === "tail" || command === "head") && lines !== undefined)
    return /^[+-]?\d+[A-Za-z]*$/.test(lines === "" ? next : lines);
  const flag = word.startsWith("--") ? (word.split("=", 1)[0] ?? "") : word.slice(0, 2);
  // The commands have it for remote engines.
  return flag !== "--image" && table.has(flag);
}

class TakenOptions {
  readonly kubectl: string[] = [];
  namespace: string | undefined;
  selector: string | undefined;
  helperNamespace: string | undefined;
  image: string | undefined;
  profile: string | undefined;
  isEphemeral = false;

  /**
   * Removes an option of kubectl or of the plugin from the front. Returns false if there is none.
   */
  take(args: string[]): boolean {
    const [word = ""] = args;
    const [, long, joined] = /^(--[^=]+)=(.*)$/s.exec(word) ?? [];
    const [, short, attached] = /^(-[nl])=?(.+)$/s.exec(long === undefined ? word : "") ?? [];
    const name = long ?? short ?? word;
    if (KUBECTL_SWITCHES.has(name)) {
      this.kubectl.push(args.shift() ?? "");
      return true;
    }
    if (name === "--ephemeral") {
      args.shift();
      this.isEphemeral = true;
      return true;
    }
    if (!KUBECTL.has(name) && !OWN.has(name)) return false;
    args.shift();
    const value = joined ?? attached ?? args.shift();
    if (value === undefined)
      throw new PortholeError("USAGE", `option ${name} needs a value`, { hint: `write ${name} VALUE` });
    if (name === "-n" || name === "--namespace") this.namespace = value;
    else if (name === "-l" || name === "--selector") this.selector = value;
    else if (name === "--helper-namespace") this.helperNamespace = value;
    else if (name === "--image") this.image = value;
    else if (name === "--profile") this.profile = value;
    else this.kubectl.push(name === "-s" ? "--server" : name, value);
    return true;
  }
}

function partsOf(command: string, args: readonly Argument[], selector: string | undefined): Part[] {
  const kind = COMMANDS[command];
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
      !inExpression && !(kind === "first" && index > 0) && !(kind === "pattern" && !hasPattern && index === 0);
    // Words such as +G and +/text are start positions of `open`.
    if (!isTarget || (command === "open" && text.startsWith("+"))) {
      if (command === "open" && text.startsWith("+")) operands--;
      return { word };
    }
    return { target: parseTarget(text, command, selector) };
  });
  if (parts.some((part) => "target" in part)) return parts;
  if (selector === undefined) throw new PortholeError("USAGE", `${command}: missing pod`, { hint: USAGE });
  if (!OF_OUTPUT.has(command) && !WITHOUT_PATH.has(command))
    throw new PortholeError("USAGE", `${command}: missing path`, { hint: "add it: -l app=web :/path" });
  const path = OF_OUTPUT.has(command) ? ":@logs" : "";
  return [...parts, { target: { namespace: undefined, pod: undefined, container: undefined, path } }];
}

const USAGE = "write kubectl porthole COMMAND POD[/CONTAINER]:/path, or -l app=web :/path";
const NAME = /^[A-Za-z0-9*?[\]][A-Za-z0-9_.*?[\]-]*$/;

/**
 * Parses `POD[/CONTAINER]:PATH` and `NAMESPACE/POD/CONTAINER:PATH`; with a selector
 * `[CONTAINER]:PATH` or PATH alone. Also accepts `pod:NAMESPACE/POD[/CONTAINER]:PATH`, which
 * porthole prints.
 */
function parseTarget(text: string, command: string, selector: string | undefined): PodTarget {
  const isPrinted = /^pod:[^/@]/.test(text);
  const own = isPrinted ? text.slice(4) : text;
  const isBare = selector !== undefined && /^[/@]/.test(own);
  const [, name = "", path = ""] = isBare ? ["", "", `:${own}`] : (/^([^:]*)(:.*)?$/s.exec(own) ?? []);
  const names = name === "" ? [] : name.split("/");
  if (!names.every((one) => NAME.test(one)) || names.length > 3) throw noPod(text);
  if (path === "" && !WITHOUT_PATH.has(command))
    throw new PortholeError("USAGE", `'${text}' has no path`, { hint: `write ${text}:/path or ${text}:@logs` });
  if (selector !== undefined) {
    if (names.length > 1)
      throw new PortholeError("USAGE", `'${text}' names a pod, which --selector excludes`, {
        hint: "use one of the two",
      });
    return { namespace: undefined, pod: undefined, container: names[0], path };
  }
  const [first, second, third] = names;
  if (first === undefined) throw noPod(text);
  if (third !== undefined) return { namespace: first, pod: second, container: third, path };
  if (isPrinted && second !== undefined) return { namespace: first, pod: second, container: undefined, path };
  return { namespace: undefined, pod: first, container: second, path };
}

function noPod(text: string): PortholeError {
  return new PortholeError("USAGE", `'${text}' has no pod`, { hint: "write POD[/CONTAINER]:/path" });
}

function unknown(word: string): PortholeError {
  if (word === "") return new PortholeError("USAGE", "no command", { hint: USAGE });
  return new PortholeError("USAGE", `unknown command or option '${word}'`, {
    hint: `the commands are ${Object.keys(COMMANDS).sort().join(", ")}; for example kubectl porthole tail -F web:/path`,
  });
}
