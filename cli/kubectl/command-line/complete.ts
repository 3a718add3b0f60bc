import { program } from "../../program/index.ts";
import { kubectl } from "../calls/kubectl.ts";
import { COMMAND_NAMES, isOfCommand } from "./arguments.ts";
import { optionTable } from "./option-table.ts";
import { OWN_OPTIONS, TakenOptions } from "./taken-options.ts";
import { isPodKind, isWorkloadKind } from "./workload-kinds.ts";

/** Directives of cobra's completion for the shell: no space after the word, and no file names. */
const [NO_SPACE, NO_FILES, FILES] = [2, 4, 0];

/** Name of the program that kubectl runs for the completion of `kubectl porthole`. */
export const COMPLETER = "kubectl_complete-porthole";

interface Completion {
  words: readonly string[];
  directive: number;
}

/**
 * Completes the last of the words after `kubectl porthole`. Prints one word per line, then the
 * directive, as kubectl expects. Prints no words if the cluster does not respond.
 */
export async function completion(args: readonly string[]): Promise<string> {
  const before = args.slice(0, -1);
  const word = args.at(-1) ?? "";
  const { words, directive } = await complete(before, word).catch(() => ({ words: [], directive: NO_FILES }));
  const fitting = words.filter((one) => one.startsWith(word));
  return `${[...fitting, `:${directive}`].join("\n")}\n`;
}

async function complete(before: readonly string[], word: string): Promise<Completion> {
  const taken = new TakenOptions();
  const [command, operands, isValue] = parse(before, taken);
  const scope = [...taken.kubectl, "get"];
  const option = before.at(-1);
  if (isValue && (option === "-n" || option === "--namespace"))
    return { words: await names(scope, "namespaces"), directive: NO_FILES };
  if (isValue && option === "--context") {
    const text = await kubectl([...taken.kubectl, "config", "get-contexts", "-o", "name"], "list the contexts");
    return { words: text.split("\n"), directive: NO_FILES };
  }
  if (isValue) return { words: [], directive: FILES };
  if (word.startsWith("-")) return { words: [...OWN_OPTIONS, ...optionsOf(command)], directive: NO_FILES };
  const commands = command === undefined && operands === 0 ? [...COMMAND_NAMES].sort() : [];
  // Only the destination of cp is on this machine.
  const directive = NO_SPACE | (command === "cp" && operands > 0 ? FILES : NO_FILES);
  if (/^[^:/]*$/.test(word) && commands.some((one) => one.startsWith(word)) && word !== "")
    return { words: commands, directive: NO_FILES };
  const namespace = taken.allNamespaces ? ["-A"] : taken.get("namespace") ? ["-n", taken.get("namespace") ?? ""] : [];
  return { words: [...commands, ...(await targets(word, scope, namespace))], directive };
}

/** Returns the command, the number of operands, and whether the next word is an option's value. */
function parse(before: readonly string[], taken: TakenOptions): [string | undefined, number, boolean] {
  const left = [...before];
  let command: string | undefined;
  let operands = 0;
  while (left.length > 0) {
    const [word = ""] = left;
    const table = optionTable(command ?? "open");
    const isOwn = command === undefined || !isOfCommand(command, [...left, ""], table);
    if (isOwn && TakenOptions.takesValue(word) && left.length === 1) return [command, operands, true];
    if (isOwn && taken.take(left)) continue;
    left.shift();
    const known = word.startsWith("-") && !word.includes("=") ? table.find(word) : undefined;
    if (known?.takesValue && left.shift() === undefined) return [command, operands, true];
    if (word.startsWith("-")) continue;
    if (command === undefined && operands === 0 && COMMAND_NAMES.includes(word)) command = word;
    else operands++;
  }
  return [command, operands, false];
}

/** Returns targets that begin like the word: pods, then their containers, then outputs and `/`. */
async function targets(word: string, scope: readonly string[], namespace: readonly string[]): Promise<string[]> {
  const colon = word.indexOf(":");
  if (colon !== -1) return ["@logs", "@stdout", "@stderr", "/"].map((path) => `${word.slice(0, colon)}:${path}`);
  const slash = word.indexOf("/");
  const first = word.slice(0, slash);
  if (slash === -1) return (await names([...scope, ...namespace], "pods")).map((name) => `${name}:`);
  if (isWorkloadKind(first) || isPodKind(first))
    return (await names([...scope, ...namespace], first)).map((name) => `${first}/${name}:`);
  const path = "jsonpath={range .spec['initContainers','containers'][*]}{.name}{\"\\n\"}{end}";
  const text = await kubectl([...scope, ...namespace, "pod", first, "-o", path], "list the containers");
  return text.split("\n").flatMap((name) => (name === "" ? [] : `${first}/${name}:`));
}

async function names(scope: readonly string[], resource: string): Promise<string[]> {
  const text = await kubectl([...scope, resource, "-o", "name", "--request-timeout=5s"], `list the ${resource}`);
  return text.split("\n").flatMap((line) => line.split("/")[1] ?? []);
}

function optionsOf(command: string | undefined): string[] {
  const defined = program("", [command ?? "open"]).commands.find((one) => one.name() === (command ?? "open"));
  return defined?.options.flatMap(({ long, hidden }) => (long && !hidden ? long : [])) ?? [];
}
