import { writeSync } from "node:fs";
import { Command } from "commander";
import { complain, Exit } from "../io/fail.ts";
import { addAgentCommands } from "./agent-commands.ts";
import { addListCommands } from "./list-commands.ts";
import { mayBeElsewhere } from "./other-kernels.ts";
import { ownCommand, ownOption } from "./other-programs.ts";
import { addReadCommands } from "./read-commands.ts";
import { addSearchCommands } from "./search-commands.ts";
import { ownOptionsFirst } from "./shared.ts";
import { addToolCommands } from "./tool-commands.ts";
import { addViewCommands } from "./view-commands.ts";

/** The commands by kind, with the function that defines each kind. */
const kinds: readonly (readonly [names: readonly string[], add: (root: Command) => void])[] = [
  [["cat", "head", "tail", "cp", "__copies", "__received"], addReadCommands],
  [["ls", "stat", "find", "diff"], addListCommands],
  [["grep", "hexdump"], addSearchCommands],
  [["open", "browse", "demo"], addViewCommands],
  [["ps", "with", "shell", "mount", "doctor", "completion"], addToolCommands],
  [["agents", "detach", "docker-args", "image", "__engine-socket"], addAgentCommands],
];

/**
 * Returns the command line as data. Each command loads its action when it runs, so that no command
 * pays for the dependencies of another. Defines only the kinds of commands that the arguments name:
 * defining all of them takes as long as `cat` of a small file.
 */
export function program(version: string, args: readonly string[] = []): Command {
  const root = new Command("porthole")
    .description(
      "Open, read, follow and search files inside containers from the host, by passing file descriptors; nothing is copied out.",
    )
    // All arguments after a command belong to the command, `--` included.
    .enablePositionalOptions()
    .version(version, "-V, --version")
    .exitOverride((error) => {
      throw Object.assign(error, { exitCode: error.exitCode === 0 ? Exit.ok : Exit.usage });
    })
    .configureOutput({
      // Synchronous: the process would exit before a stream reports a failed write.
      writeOut: (text) => void writeSync(1, text),
      outputError: (text) => complain(errorLine(text, args)),
    })
    .showSuggestionAfterError()
    .configureHelp(ownOptionsFirst)
    .addHelpText("after", `\n${targets}\n\n${statuses}`);

  const called = kinds.filter(([names]) => args[0] !== undefined && names.includes(args[0]));
  for (const [, add] of called.length > 0 ? called : kinds) add(root);
  addHelp(root);
  root.hook("preAction", async (_, command) => {
    // A run of a command over several engines.
    if (process.env.PORTHOLE_PART_PARENT !== undefined) (await import("../commands/join-parent.ts")).joinParent();
    if (!REDIRECTED.has(command.name()) || !mayBeElsewhere(command.opts().engine, args)) return;
    const status = await (await import("../commands/redirect.ts")).redirect(command, args, version);
    if (status !== undefined) process.exit(status);
  });
  return root;
}

/** Replaces Commander's help command, which prints the whole help for an unknown command. */
function addHelp(root: Command): void {
  root
    .helpCommand(false)
    .command("help")
    .argument("[command]")
    .description("display help for command")
    .helpOption(false)
    .action(async (name: string | undefined) => {
      const command = name === undefined ? root : root.commands.find((one) => one.name() === name);
      if (command !== undefined) command.help();
      await root.parseAsync([name ?? ""], { from: "user" });
    });
}

/**
 * Returns one line for Commander's error, with what porthole calls a command of another program.
 */
function errorLine(text: string, args: readonly string[]): string {
  const line = text
    .trim()
    .replace(/^error: /, "")
    .replace(/\n/g, " ");
  if (line.startsWith("too many arguments for 'diff'"))
    return "diff compares one container with its image (two: porthole with web:/etc api:/etc -- diff -r {})";
  const option = /^unknown option '(.*?)'/.exec(line)?.[1];
  const instead = option === undefined ? undefined : ownOption(args[0] ?? "", option);
  if (instead !== undefined) return `unknown option '${option}' (${instead})`;
  if (option !== undefined && isCommandWithoutDashes(option, args))
    return `unknown option '${option}' (write the command after --: porthole ${args[0]} TARGET -- COMMAND)`;
  const words = args[0] === "help" ? args.slice(1) : args;
  const own = line.startsWith("unknown command") ? ownCommand(words) : undefined;
  return own === undefined ? line : `unknown command '${words[0]}' (write ${own})`;
}

/** True for an option of a command that has no `--` before it: `with web:/etc/passwd wc -l`. */
function isCommandWithoutDashes(option: string, args: readonly string[]): boolean {
  const before = args.slice(
    0,
    args.findIndex((arg) => arg.startsWith(option)),
  );
  const operands = before.filter((arg) => !arg.startsWith("-"));
  return /^(with|shell|mount)$/.test(args[0] ?? "") && !before.includes("--") && operands.length > 2;
}

/** Commands that run on the machine of their engine. */
const REDIRECTED = new Set("cat head tail cp ls stat find diff grep hexdump open browse ps with doctor".split(" "));

const targets = `Targets:
  web:/var/log/app.log   in a container: its name, id or Compose service
                         (when it has stopped: its layers and volumes, read-only)
  web:@logs              a container's output, as its engine stores it;
                         also web:@stdout and web:@stderr
  'shop/*:/var/log'      in every matching container, here of the Compose project
                         shop; also 'web-*:/path', '*:@logs'. Quote it, or the
                         shell takes it for file names
  'web:/log/*.log'       files that match in the container, and a file of exactly
                         this name; a backslash quotes: 'web:/app/\\[id\\].ts'
  image:nginx:1.25:/etc  in an image, which is neither run nor pulled
  volume:data:/app.db    in a volume
  'far!web:/path'        on the engine of the docker context far, also in one
                         command with targets of other engines
  pod:shop/web-0:/path   in a pod of this Kubernetes node
  pid:4242:/etc/hosts    as process 4242 sees it
  /path, ./path          on this machine`;

const statuses = `Exit status:
  0  success
  1  a file could not be opened, read or written
  2  wrong usage
  3  no such target, no process in it, or no engine
  4  the target exists, but no agent could be started for it
  5  the connection to the agent was lost
  130  interrupted (141: the reader of the output closed the pipe)`;
