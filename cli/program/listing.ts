import { type Command, Option } from "commander";
import { end, examples, reaching } from "./shared.ts";

/** Commands that look at directories and at what is known of files. */
export function addListing(root: Command): void {
  addLs(root);
  addStat(root);
  addFind(root);
  addDiff(root);
}

function addDiff(root: Command): void {
  reaching(root.command("diff").argument("<container>", "running or not"))
    .helpOption("--help", "show this help")
    .summary("what a container changed, added and deleted against its image, with sizes")
    .description(
      "List what a container changed (C), added (A) and deleted (D) against its image, as docker diff, with sizes. Volumes and bind mounts are no part of it.",
    )
    .option("-h, --human-readable", "sizes as 1.5K, 234M")
    .option("--json", "one JSON object a line, a path each")
    .addHelpText(
      "after",
      examples("porthole diff web", "porthole diff --json web | jq -r 'select(.size > 1e6).target'"),
    )
    .action(async (container: string, { humanReadable, ...options }) =>
      end((await import("../commands/diff.ts")).diff(container, { ...options, human: humanReadable })),
    );
}

function addLs(root: Command): void {
  reaching(root.command("ls").argument("<target...>", "directories and files to list; globs are matched inside"))
    .summary("list directories of containers")
    .description(
      "List directories and files, as ls(1): names in columns on a terminal, one a line elsewhere; sorted by their bytes.",
    )
    // -h is for sizes here, as everywhere.
    .helpOption("--help", "show this help")
    .option("-l", "long: mode, links, owner, group, size, time (owners by the container's own /etc/passwd)")
    .option("-a, --all", "names that begin with a dot too, with . and ..")
    .option("-A, --almost-all", "the same without . and ..")
    .option("-R, --recursive", "what is below, directory after directory; links are not followed")
    .option("-t", "newest first")
    .option("-S", "largest first")
    .option("-r, --reverse", "the other way round")
    .option("-h, --human-readable", "with -l: sizes as 1.5K, 234M")
    .option("-1", "one name a line")
    .option("-C", "names in columns, even if the output is no terminal")
    .option("-d, --directory", "directories themselves, not what is in them")
    .option("--total", "-l, with the sum of the file sizes below for a directory; /proc and /sys are left out")
    .option("--json", "one JSON object a line, a file each")
    .addOption(colour())
    .addHelpText(
      "after",
      examples(
        "porthole ls web:/var/log",
        "porthole ls -lt 'web:/var/log/*.log' api:/srv",
        "porthole ls -dhS --total 'web:/*'      what takes the room",
        "porthole ls -R --json web:/app | jq -r 'select(.size > 1e6).target'",
      ),
    )
    .action(async (targets: string[], options) => end((await import("../commands/ls.ts")).ls(targets, options)));
}

function addStat(root: Command): void {
  reaching(root.command("stat").argument("<target...>", "files to look at; globs are matched inside"))
    .summary("show what is known of files, and what keeps them")
    .description(
      "Show what is known of files, as stat(1), and what keeps them: the container's layer, a volume, a bind mount, memory, the kernel.",
    )
    .option("-L, --dereference", "of a symbolic link: what it leads to")
    .option("--json", "one JSON object a line, a file each")
    .addHelpText(
      "after",
      examples(
        "porthole stat web:/var/lib/app/data.db",
        "porthole stat web:/proc/1/fd/3          a file that process 1 has open, deleted or not",
        "porthole stat --json 'web:/etc/*.conf' | jq -r '[.target, .backing.kind] | @tsv'",
      ),
    )
    .action(async (targets: string[], options) => end((await import("../commands/stat.ts")).stat(targets, options)));
}

function addFind(root: Command): void {
  root.enablePositionalOptions();
  reaching(root.command("find").argument("<target...>", "where to search, then what for"))
    .usage("[options] <target...> [expression]")
    .summary("find files of containers by name, kind, size or age")
    .description(
      "Find files, as find(1). Paths are printed as the target begins, so that each is a target for another command.",
    )
    .option("--bare", "print paths inside the container, without its name")
    .option("--json", "one JSON object a line, a file each, as of ls --json")
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
    .action(async (words: string[], options) => end((await import("../commands/find.ts")).find(words, options)));
}

const expression = `Expression, as in find(1); options of porthole's come before the first target:
  -name PATTERN, -iname   the name matches a glob; -iname: in any case
  -path PATTERN, -ipath   the path inside the container matches; * matches slashes too
  -type f,d,l,p,s,b,c     file, directory, link, FIFO, socket, block or character device
  -size [+-]N[cwbkMG]     units begun, of 1, 2, 512 (default), 1024, 1024^2, 1024^3 bytes
  -newermt TIME           changed after 2026-01-31, '2026-01-31 14:05', @SECONDS, yesterday, '2 hours ago'
  -mmin [+-]N, -mtime     changed more than (+), less than (-) so many minutes or days ago
  -maxdepth N, -mindepth  levels below the target
  -xdev                   stay on the target's file system
  -prune, -print, -print0 stay out; print and end with a newline, with NUL
  ! -not, -a, -o, ( )     not, and (between two tests anyway), or, group`;

function colour(): Option {
  return new Option("--color <when>", "colour names by LS_COLORS").choices(["auto", "always", "never"]).default("auto");
}
