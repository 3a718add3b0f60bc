import { Argument, type Command, Option } from "commander";
import { connectionOptions, consumeOption, end, examples, selectionOptions } from "./shared.ts";

/** Commands for a whole target, and commands that connect porthole to other tools. */
export function addToolCommands(root: Command): void {
  addPs(root);
  addWith(root);
  addShell(root);
  addMount(root);
  addDoctor(root);
  addCompletion(root);
}

function addPs(root: Command): void {
  selectionOptions(
    root.command("ps").argument("[container...]", "containers, or pid:N for the namespaces of a process"),
  )
    .summary("list a container's processes, their open files, and what fills the disk")
    .description(
      "List the processes of a container; with --files, also their open files, including deleted ones. " +
        "With --disk, list what containers store on disk: of all containers unless some are named.",
    )
    .option("-f, --files", "list open files: descriptor, mode (r, w, a: append), position, size, path")
    .option("-d, --deleted", "list only deleted files that are open or mapped, and the total space they hold")
    .addOption(
      new Option(
        "--disk",
        "list what fills the disk, largest first: writable layers, volumes, logs, deleted files that are open or mapped",
      ).conflicts(["files", "deleted"]),
    )
    .option("--json", "print one JSON object per process, or per line of --disk")
    .addHelpText(
      "after",
      examples(
        "porthole ps web",
        "porthole ps --files web",
        "porthole ps --deleted web",
        "porthole ps --disk                 what fills the disk, over all containers and volumes",
        "porthole ps 'shop/*'               every running container of a Compose project",
        "porthole cat web:/proc/1/fd/5      read descriptor 5 of process 1, even if the file is deleted",
        "porthole ps --files --json pid:4242 | jq .files",
      ),
    )
    .action(async (containers: string[], options) => end((await import("../commands/ps.ts")).ps(containers, options)));
}

function addWith(root: Command): void {
  const command = root.command("with");
  consumeOption(
    selectionOptions(
      command
        .argument("<target...>", "files and directories for the command")
        .usage("[options] <target...> -- <command> [args...]"),
    ),
  )
    .summary("run a command of this machine on files of containers")
    .description(
      "Run a command of this machine on files of containers, without copying them. In a directory, the command runs there. A single file " +
        "becomes its standard input; if the command contains {}, {1} or {2}, they are replaced by paths.",
    )
    .option("--rw", "open the files for reading and writing, or make the mounts of directories writable")
    .option("--all-mounts", "include mounts of the target whose server may not answer: FUSE, NFS")
    .option("--follow-links", "follow links, inside the container's root, which becomes the command's own")
    .option("--stdin", "pass the file as standard input and leave {} in the command unchanged")
    .exitOverride((error) => {
      throw Object.assign(error, { exitCode: error.exitCode === 0 ? 0 : 125 });
    })
    .addHelpText("after", `\n${trees}\n\n${placeholders}\n\n${rights}\n\n${withStatuses}`)
    .addHelpText(
      "after",
      examples(
        "porthole with web:/var/log -- rg -n timeout .",
        "porthole with web:/ db:/ -- diff -rq --no-dereference web:/etc db:/etc",
        "porthole with web:/var/log/app.log -- rg -c ' 50[0-9] '",
        "porthole with web:/var/log/app.log -- less +F {}",
        "porthole with --follow-links web:/etc -- rg -L timeout .",
        "porthole with web:/app/config.json -- jq .database",
        "porthole with web:/data/app.db -- sqlite3 -readonly {} .tables",
        "porthole with web:/etc/nginx.conf api:/etc/nginx.conf -- diff -u {1} {2}",
        "porthole with 'web:/var/log/*.log' -- tar -chf logs.tar -C {dir} .",
        "porthole with 'web:/var/log/*.log' -- rg -L timeout {dir}",
        "porthole with web:/var/log/app.log -- lnav",
      ),
    )
    .action(async (operands: string[], options, self: Command) => {
      const command = afterDashes(operands, lineOf(self));
      const targets = operands.slice(0, operands.length - command.length);
      await end((await import("../commands/with.ts")).withTool(targets, command, options));
    });
}

function addShell(root: Command): void {
  root
    .command("shell")
    .argument("<target>", "container, or pid:N, with or without the directory to start in")
    .argument("[command...]", "command of this machine (default: your shell)")
    .usage("[options] <target> [-- <command> [args...]]")
    .summary("run your own shell and tools inside a container's namespaces")
    .description(
      "Run your own shell, or a command of this machine, in a container's network, PID, IPC and UTS namespaces, " +
        "with its files at the working directory. Nothing is pulled, installed or needed in the image.",
    )
    .option("--in <parts>", "comma-separated list of files, net, pid, ipc, uts (default: all)")
    .option("--rw", "allow writes to files that the container may write")
    .option("--all-mounts", "include mounts of the target whose server may not answer: FUSE, NFS")
    .option(
      "--engine <address>",
      "container engine: unix:///PATH, a docker context, or all (default: DOCKER_HOST, the current docker context, the default sockets)",
    )
    .exitOverride((error) => {
      throw Object.assign(error, { exitCode: error.exitCode === 0 ? 0 : 125 });
    })
    .addHelpText("after", `\n${inside}\n\n${withStatuses}`)
    .addHelpText(
      "after",
      examples(
        "porthole shell web",
        "porthole shell web -- ss -ltnp                     who listens in the container",
        "porthole shell web -- curl -s http://db:8080/       names resolve as in the container",
        "porthole shell web:/var/log",
        "porthole shell --in net web -- tcpdump -ni eth0",
        "porthole shell pid:4242",
      ),
    )
    .action(async (target: string, operands: string[], options, self: Command) => {
      const command = afterDashes(operands, lineOf(self));
      if (command.length < operands.length)
        self.error(`error: '${operands[0]}' is a second target (write the command after --)`, { exitCode: 125 });
      await end((await import("../commands/shell.ts")).shell(target, command, options));
    });
}

function addMount(root: Command): void {
  connectionOptions(
    root.command("mount").argument("<target>", "a directory of a container, or of pid:N").argument("[directory...]"),
  )
    .usage("[options] <target> <directory>\n       porthole mount [options] <target> -- <command> [args...]")
    .summary("mount a container's directory on this machine, read-only")
    .description(
      "Mount a directory of a running container at an empty directory that belongs to root, read-only, nosuid and nodev; links in it are not followed. " +
        "It stays until porthole umount, the end of the container, or porthole detach --all. With a command instead of a directory, " +
        "run the command in the container's directory, which only the command sees: this works for every user, and for offline targets.",
    )
    .option("--all-mounts", "include mounts of the target whose server may not answer: FUSE, NFS")
    .addHelpText(
      "after",
      examples(
        "porthole mount web:/var/log /mnt/logs",
        "porthole umount /mnt/logs",
        "porthole mount web: -- $SHELL",
        "porthole mount image:nginx:/etc -- rg listen",
      ),
    )
    .action(async (target: string, operands: string[], options, self: Command) => {
      const command = afterDashes(operands, lineOf(self));
      const before = [target, ...operands.slice(0, operands.length - command.length)];
      await end((await import("../commands/mount.ts")).mount(before, command, options));
    });

  root
    .command("umount")
    .argument("<directory>", "mount point of porthole mount")
    .summary("unmount a mount of porthole mount")
    .description("Unmount a directory. Processes that still use it keep it until they end, as with umount --lazy.")
    .addHelpText("after", examples("porthole umount /mnt/logs"))
    .action(async (directory: string) => end((await import("../commands/mount.ts")).umount(directory)));
}

function lineOf(command: Command): string[] {
  return Reflect.get(command.parent ?? command, "rawArgs") as string[];
}

const inside = `What the shell sees:
  files   the container's files, read-only, at the working directory; this
          machine's files are at / as usual. As for porthole with: links are not
          followed, device nodes cannot be opened
  net     its network; with files, also its /etc/hosts and /etc/resolv.conf
  pid     its processes: /proc is the container's. The shell ends with it, and
          the container sees the shell's processes
  ipc     its System V IPC and POSIX message queues
  uts     its host name
  You stay the user that you are. Joining a namespace takes root, or the owner of
  a rootless engine. pid is left out by default where a process of the container
  may trace others (CAP_SYS_PTRACE). The prompt begins with the container's name,
  which is also in PORTHOLE_TARGET.`;

/** Returns the words after `--` on the command line, which Commander does not report. */
function afterDashes(operands: string[], line: string[]): string[] {
  for (let at = line.indexOf("--"); at !== -1; at = line.indexOf("--", at + 1)) {
    const rest = line.slice(at + 1);
    // A `--` before this one was the value of an option.
    if (rest.length <= operands.length && rest.every((word, index) => word === operands.at(index - rest.length)))
      return rest;
  }
  return [];
}

const trees = `Where the command runs:
  one directory        in this directory
  several targets,     in a directory where their names are paths:
  with a directory     web:/etc, db:/etc
  files only           in the current directory
  Only the command sees a read-only copy of the target's mounts, below
  $XDG_STATE_HOME/porthole/trees. In it, symbolic links are not followed and
  device nodes cannot be opened.

  With --follow-links, the root directory of one container is the command's own
  (chroot), so links lead where they lead in the container. Paths are those of
  the container. The command's program and its libraries are in /.porthole. It
  can start no other program, and /proc is empty. Scripts are refused.`;

const placeholders = `Placeholders:
  {1}, {2}   path of the first, second target
  {}         path of each target: the argument is repeated
  {dir}      directory with a link to each by its name: web:/var/log/app.log
  A placeholder is a whole argument, or a part of one after : = , @ and before
  ? : , & / as in --file={}. Other braces are passed unchanged. The files beside
  a path are there too. Devices, deleted files, and files whose directory this
  user may not enter get the path of a descriptor, without the files beside it.`;

const rights = `Permissions:
  The command opens each path again, with the permissions of the user who runs
  it. A file that only root may read in the container can be passed as standard
  input only. A command that runs as root can make a tree writable again, even
  without --rw.`;

const withStatuses = `Exit status:
  125  porthole itself failed
  126  the command was found but cannot be run
  127  the command was not found
  otherwise that of the command; if a signal ends the command, it ends porthole too`;

function addDoctor(root: Command): void {
  root
    .command("doctor")
    .argument("[target]", "container, or pid:N, with or without a path: test every route to it")
    .summary("check what works on this machine and how to fix the rest")
    .description(
      "Check everything that porthole needs: kernel, seccomp, trees, Node.js, agent, run directory, permissions, security modules, user namespaces, engines, routes. " +
        "Print one line per check: ok, warn or fail, and the remedy.",
    )
    .option("--engine <address>", "container engine: unix:///PATH, a docker context, or all")
    .option("--user <user>", "user inside the container, for the mount route (default: root)")
    .option("--json", "print one JSON object per line")
    .addHelpText(
      "after",
      "\nExit status:\n  0  no check failed; with a target, at least one route works\n  1  a check failed",
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
    .addArgument(new Argument("<shell>", "shell to print the script for").choices(["bash", "zsh", "fish"]))
    .summary("print a completion script for the shell")
    .description(
      "Print a script for the shell that completes commands, options, containers, and paths inside containers, " +
        "through a running agent or over the direct route.",
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
}
