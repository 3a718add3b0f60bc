import { Argument, type Command } from "commander";
import { consuming, end, examples, reaching } from "./shared.ts";

/** Commands that look at a target as a whole, and those that join porthole to the user's other tools. */
export function addTools(root: Command): void {
  addPs(root);
  addWith(root);
  addDoctor(root);
  addCompletion(root);
}

function addPs(root: Command): void {
  reaching(root.command("ps").argument("<container>", "container, or pid:N for what runs in a process's namespaces"))
    .summary("list a container's processes and their open files")
    .description("List the processes of a container, and with --files what they have open, deleted files included.")
    .option("-f, --files", "with their open files: descriptor, mode (r, w, a: append), position, size, path")
    .option("-d, --deleted", "only deleted files, open or mapped into memory, and the space that they hold in all")
    .option("--json", "one JSON object a line, a process each")
    .addHelpText(
      "after",
      examples(
        "porthole ps web",
        "porthole ps --files web",
        "porthole ps --deleted web",
        "porthole cat web:/proc/1/fd/5      read what process 1 has open as 5, deleted or not",
        "porthole ps --files --json pid:4242 | jq .files",
      ),
    )
    .action(async (container: string, options) => end((await import("../commands/ps.ts")).ps(container, options)));
}

function addWith(root: Command): void {
  const command = root.command("with");
  consuming(
    reaching(
      command.argument("<target...>", "files for the command").usage("[options] <target...> -- <command> [args...]"),
    ),
  )
    .summary("run a command of this machine on files of containers")
    .description(
      "Run a command of this machine on the real files of containers, uncopied. A single file is its standard input; where the " +
        "command has {}, {1}, {2}, it gets paths instead.",
    )
    .option("--rw", "open the files for writing too")
    .option("--stdin", "give the one file as standard input even if the command has {}, which is then its own")
    .exitOverride((error) => {
      throw Object.assign(error, { exitCode: error.exitCode === 0 ? 0 : 125 });
    })
    .addHelpText("after", `\n${placeholders}\n\n${rights}\n\n${withStatuses}`)
    .addHelpText(
      "after",
      examples(
        "porthole with web:/var/log/app.log -- rg -c ' 50[0-9] '",
        "porthole with web:/var/log/app.log -- less +F {}",
        "porthole with web:/app/config.json -- jq .database",
        "porthole with web:/data/app.db -- sqlite3 -readonly -deserialize {} .tables",
        "porthole with web:/etc/nginx.conf api:/etc/nginx.conf -- diff -u {1} {2}",
        "porthole with 'web:/var/log/*.log' -- tar -chf logs.tar -C {dir} .",
        "porthole with 'web:/var/log/*.log' -- rg -L timeout {dir}",
        "porthole with web:/var/log/app.log -- lnav",
      ),
    )
    .action(async (words: string[], options, self: Command) => {
      const command = afterDashes(words, Reflect.get(self.parent ?? self, "rawArgs") as string[]);
      const targets = words.slice(0, words.length - command.length);
      await end((await import("../commands/with.ts")).withTool(targets, command, options));
    });
}

/** What stood behind `--` on the command line, which commander keeps to itself. */
function afterDashes(words: string[], line: string[]): string[] {
  for (let at = line.indexOf("--"); at !== -1; at = line.indexOf("--", at + 1)) {
    const rest = line.slice(at + 1);
    // A `--` further on the left was an option's value.
    if (rest.length <= words.length && rest.every((word, index) => word === words.at(index - rest.length))) return rest;
  }
  return [];
}

const placeholders = `Placeholders:
  {1}, {2}   path of the first, second file
  {}         path of each file: the argument is repeated
  {dir}      directory with a link to each file by its name: web/var/log/app.log
  They stand alone or between : = , @ and ? : , & as in --file={}; other braces
  are the command's. A command that resolves links itself (realpath, lnav,
  sqlite3 without -deserialize) finds the path in the container in them, and
  would look for it on this machine: give it standard input.`;

const rights = `Rights:
  A command opens a path anew, with the rights of the user who runs it. What
  only root may read in the container can be given as standard input only; and
  a command that runs as root can open any path for writing, --rw or not.`;

const withStatuses = `Exit status:
  125  porthole itself failed
  126  the command was found but cannot be run
  127  the command was not found
  otherwise the command's own; the signal that ended it ends porthole`;

function addDoctor(root: Command): void {
  root
    .command("doctor")
    .argument("[target]", "container, or pid:N, with or without a path: every route to it is tried")
    .summary("say what works here and what to do about the rest")
    .description(
      "Look at everything porthole rests on: kernel, seccomp, Node.js, agent, run directory, permissions, engines, routes. One line each: " +
        "ok, warn or fail, and the remedy.",
    )
    .option("--engine <address>", "container engine: unix:///PATH, a docker context, or all")
    .option("--user <user>", "user inside the container, for the mount route (default: root)")
    .option("--json", "one JSON object a line")
    .addHelpText(
      "after",
      "\nExit status:\n  0  everything that is needed works; with a target, a route to it\n  1  something does not",
    )
    .addHelpText(
      "after",
      examples("porthole doctor", "porthole doctor web", "porthole doctor --json web:/var/log/app.log"),
    )
    .action(async (target: string | undefined, options) =>
      end((await import("../commands/doctor.ts")).doctor(target, options)),
    );
}

function addCompletion(root: Command): void {
  root
    .command("completion")
    .addArgument(new Argument("<shell>", "which shell's script").choices(["bash", "zsh", "fish"]))
    .summary("print a script that makes the shell complete commands, containers and paths inside them")
    .description(
      "Print a script for the shell: it completes commands, options, running containers, and paths inside a container, " +
        "from a live agent or over the direct route.",
    )
    .addHelpText(
      "after",
      examples(
        "source <(porthole completion bash)          in ~/.bashrc",
        "source <(porthole completion zsh)           in ~/.zshrc, after compinit",
        "porthole completion fish | source           in ~/.config/fish/config.fish",
      ),
    )
    .action(async (shell) => end((await import("../commands/completion.ts")).completion(shell)));

  root
    .command("__complete", { hidden: true })
    .argument("<shell>")
    .argument("[words...]")
    .action(async (shell: string, words: string[]) =>
      end((await import("../commands/complete.ts")).complete(root, shell, words)),
    );
}
