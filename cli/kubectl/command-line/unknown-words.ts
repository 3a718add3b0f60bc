import { PortholeError } from "../../../src/errors.ts";
import type { Argument, OptionTable } from "../../elsewhere/split-arguments.ts";

/** Commands of kubectl and of porthole that the plugin does not have, with what to use instead. */
const OTHER_COMMANDS: Readonly<Record<string, string>> = {
  logs: "kubectl porthole tail -F POD:@logs",
  log: "kubectl porthole tail -F POD:@logs",
  get: "kubectl get pods",
  describe: "kubectl describe pod",
  exec: "kubectl exec",
  shell: "kubectl debug, or porthole shell on the node",
  mount: "porthole mount on the node",
  diff: "porthole diff on the node, with Docker or Podman",
  du: "kubectl porthole find POD:/path -size +100M",
  with: "kubectl porthole cat POD:/path | COMMAND",
  agents: "kubectl get pods -n porthole, which lists the helper pods",
  detach: "kubectl delete -k docker/kubernetes, which removes the helper pods",
};

/** Options of kubectl logs and stern that commands of output have under another name. */
const OTHER_OPTIONS: Readonly<Record<string, string>> = {
  tail: "-n N",
  previous: "kubectl logs --previous",
  p: "kubectl logs --previous",
  timestamps: "--json, which has the times; --merge orders lines by them",
  t: "--json, which has the times; --merge orders lines by them",
  "since-time": "--since TIME",
};

/** Returns the error for a word that is neither a command nor a target. */
export function unknownCommand(word: string, commands: readonly string[], usage: string): PortholeError {
  if (word === "") return new PortholeError("USAGE", "no command", { hint: usage });
  const other = Object.hasOwn(OTHER_COMMANDS, word) ? OTHER_COMMANDS[word] : undefined;
  const list = `the commands are ${[...commands].sort().join(", ")}`;
  return new PortholeError("USAGE", `unknown command or option '${word}'`, {
    hint: other === undefined ? `${list}; for example kubectl porthole tail -F web:/path` : `use ${other}`,
  });
}

/**
 * Refuses options that the command does not have: their values would be parsed as targets. Does
 * not check `grep`, because ripgrep defines its options.
 * @throws PortholeError USAGE
 */
export function checkOptions(command: string, args: readonly Argument[], table: OptionTable): void {
  if (command === "grep") return;
  for (const { args: words, option } of args) {
    const [word = ""] = words;
    const flag = word.startsWith("--") ? (word.split("=", 1)[0] ?? "") : word.slice(0, 2);
    // `tail -20`
    if (option === undefined || table.has(flag) || /^-\d/.test(word)) continue;
    const isOfLogs = ["tail", "head", "cat"].includes(command) && Object.hasOwn(OTHER_OPTIONS, option);
    const other = isOfLogs ? OTHER_OPTIONS[option] : undefined;
    throw new PortholeError("USAGE", `${command}: unknown option '${flag}'`, {
      hint: other === undefined ? `porthole ${command} --help and kubectl porthole --help list them` : `use ${other}`,
    });
  }
}
