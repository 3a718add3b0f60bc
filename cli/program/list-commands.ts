import { type Command, Option } from "commander";
import { connectionOptions, end, examples, selectionOptions } from "./shared.ts";

/** Commands that list directories and show the metadata of files. */
export function addListCommands(root: Command): void {
  addLs(root);
  addStat(root);
  addFind(root);
  addDiff(root);
}

function addDiff(root: Command): void {
  connectionOptions(root.command("diff").argument("<container>", "the container, running or stopped"))
    .helpOption("--help", "display help for command")
    .summary("list files that a container changed, added or deleted, with sizes")
    .description(
      "List the files that a container changed (C), added (A) or deleted (D) compared with its image, as docker diff does, with sizes. Volumes and bind mounts are not compared.",
    )
    .option("-h, --human-readable", "print sizes as 1.5K, 234M")
    .option("--json", "print one JSON object per path, one per line")
    .addHelpText(
      "after",
      examples("porthole diff web", "porthole diff --json web | jq -r 'select(.size > 1e6).target'"),
    )
    .action(async (container: string, { humanReadable, ...options }) =>
      end((await import("../commands/diff.ts")).diff(container, { ...options, human: humanReadable })),
    );
}

function addLs(root: Command): void {
  const ls = selectionOptions(
    root.command("ls").argument("<target...>", "directories and files to list; globs match inside the container"),
  )
    .summary("list directories of containers")
    .description(
      "List directories and files, as ls(1) does: names in columns on a terminal, otherwise one per line, sorted by byte value.",
    )
    // -h means human-readable sizes, as in ls(1).
    .helpOption("--help", "display help for command")
    .option("-l", "print mode, links, owner, group, size and time (owners by the container's /etc/passwd)")
    .option("-n, --numeric-uid-gid", "as -l, with numbers of owners and groups")
    .option("-i, --inode", "print the inode number before each name")
    .option("-F, --classify", "append / to directories, * to programs, @ to links, | to FIFOs, = to sockets")
    .option("-a, --all", "include names that begin with a dot, and . and ..")
    .option("-A, --almost-all", "include names that begin with a dot, except . and ..")
    .option("-R, --recursive", "list subdirectories recursively; symbolic links are not followed")
    .option("-t", "sort by time, newest first")
    .option("-S", "sort by size, largest first")
    .option("-r, --reverse", "reverse the order")
    .option("-h, --human-readable", "with -l: print sizes as 1.5K, 234M")
    .option("-1", "print one name per line")
    .option("-C", "print names in columns, even if the output is not a terminal")
    .option("-d, --directory", "list directories themselves, not their contents")
    .option("--total", "as -l, with the total size of all files below each directory; skips /proc and /sys")
    .option("--json", "print one JSON object per file, one per line")
    .addOption(colour())
    .addHelpText(
      "after",
      examples(
        "porthole ls web:/var/log",
        "porthole ls -lt 'web:/var/log/*.log' api:/srv",
        "porthole ls -dhS --total 'web:/*'      shows what uses the space",
        "porthole ls -R --json web:/app | jq -r 'select(.size > 1e6).target'",
      ),
    )
    .action(async (targets: string[], options) => end((await import("../commands/ls.ts")).ls(targets, options)));
  replaces(ls, "all", "almostAll");
  replaces(ls, "almost-all", "all");
  replaces(ls, "t", "S");
  replaces(ls, "S", "t");
  replaces(ls, "C", "l", "numericUidGid", "1");
  for (const name of ["l", "numeric-uid-gid", "1"]) replaces(ls, name, "C");
}

/** Lets an option turn off options before it: the last one wins, as in ls(1). */
function replaces(command: Command, name: string, ...attributes: string[]): void {
  command.on(`option:${name}`, () => {
    for (const attribute of attributes) command.setOptionValue(attribute, undefined);
  });
}

function addStat(root: Command): void {
  selectionOptions(root.command("stat").argument("<target...>", "files to show; globs match inside the container"))
    .summary("show the metadata of files, and where they are stored")
    .description(
      "Show the metadata of files, as stat(1) does, and where they are stored: in the container's layer, a volume, a bind mount, memory or the kernel.",
    )
    .option("-L, --dereference", "follow symbolic links")
    .option("--json", "print one JSON object per file, one per line")
    .addHelpText(
      "after",
      examples(
        "porthole stat web:/var/lib/app/data.db",
        "porthole stat web:/proc/1/fd/3          an open file of process 1, deleted or not",
        "porthole stat --json 'web:/etc/*.conf' | jq -r '[.target, .backing.kind] | @tsv'",
      ),
    )
    .action(async (targets: string[], options) => end((await import("../commands/stat.ts")).stat(targets, options)));
}

function addFind(root: Command): void {
  root.enablePositionalOptions();
  selectionOptions(
    root.command("find").argument("<target...>", "directories and files to search, before the expression"),
  )
    .usage("[options] <target...> [expression]")
    .summary("find files of containers by name, kind, size or age")
    .description(
      "Find files, as find(1) does. Each path is printed with its target, so that another command can use it.",
    )
    .option("--bare", "print paths without the name of the container")
    .option("--json", "print one JSON object per file, one per line, as ls --json does")
    .passThroughOptions()
    .allowUnknownOption()
    .addHelpText("after", `\n${expression}`)
    .addHelpText(
      "after",
      examples(
        "porthole find web:/var/log -name '*.log' -size +10M",
        "porthole find web:/ -xdev -type f -newermt '10 minutes ago'",
        "porthole find web:/app -path '*/node_modules' -prune -o -name '*.ts' -print",
        "porthole find web:/var/log -name '*.gz' -print0 | xargs -0 porthole ls -l",
        "porthole find --bare web:/etc -type f -mmin -60",
      ),
    )
    .action(async (args: string[], options) => end((await import("../commands/find.ts")).find(args, options)));
}

const expression = `Expression, as in find(1); porthole's own options come before the first target:
  -name PATTERN, -iname   the name matches a glob; -iname ignores case
  -path PATTERN, -ipath   the path inside the container matches; * also matches slashes
  -type f,d,l,p,s,b,c     file, directory, link, FIFO, socket, block or character device
  -size [+-]N[cwbkMG]     size, rounded up to units of 1, 2, 512 (default), 1024, 1024^2,
                          1024^3 bytes
  -perm [-/]MODE          exactly these octal permission bits; -: all of them, /: any of them
  -uid [+-]N, -gid        number of the owner, of the group
  -newermt TIME           modified after 2026-01-31, '2026-01-31 14:05', @SECONDS, yesterday,
                          '2 hours ago'
  -mmin [+-]N, -mtime     modified more than (+) or less than (-) N minutes or days ago
  -maxdepth N, -mindepth  maximum and minimum levels below the target
  -xdev                   stay on the target's file system
  -prune                  do not enter the directory
  -print, -print0         print the path, followed by a newline or by NUL
  ! -not, -a, -o, ( )     not, and (the default between two tests), or, group`;

function colour(): Option {
  return new Option("--color <when>", "colour names by LS_COLORS").choices(["auto", "always", "never"]).default("auto");
}
