import { type Command, Option } from "commander";
import type { GivenOption } from "../tail/options.ts";
import { headArguments, rewriteArguments, tailArguments } from "./rewrite-arguments.ts";
import { consumeOption, end, examples, selectionOptions, timeZoneOption } from "./shared.ts";

/** Commands that write file content to standard output. */
export function addReadCommands(root: Command): void {
  consumeOption(selectionOptions(root.command("cat").argument("[target...]", INPUTS)))
    .summary("write files of containers to standard output")
    .description(
      "Write files to standard output, unchanged to a file or pipe. On a terminal, unsafe control characters are escaped.",
    )
    .option("--decompress", "decompress files that are gzip or zstd by their first bytes")
    .option("--trace", "print the descriptor, the route and the time to standard error")
    .addHelpText(
      "after",
      examples(
        "porthole cat web:/var/log/app.log",
        "porthole cat web:/proc/1/status pid:4242:/etc/hosts",
        "porthole cat --decompress web:/var/log/app.log.2.gz | tail -n 100",
        "porthole cat --trace web:/etc/hostname",
      ),
    )
    .action(async (list: string[], options) => end((await import("../commands/cat.ts")).cat(list, options)));

  const head = rewriteArguments(
    consumeOption(selectionOptions(root.command("head").argument("[target...]", INPUTS))),
    headArguments,
  )
    .summary("write the beginning of files of containers")
    .description("Write the first 10 lines of each target to standard output, as GNU head does.")
    .option("-c, --bytes <[-]number>", "write the first bytes; with -, all but the last")
    .option("-n, --lines <[-]number>", "write the first lines; with -, all but the last")
    .option("-q, --quiet", "never print headers with file names (--silent)")
    .option("-v, --verbose", "always print headers with file names")
    .option("-z, --zero-terminated", "lines end with NUL, not newline")
    .option("--json", "print one JSON object per line, with target, line and timestamp")
    .addHelpText(
      "after",
      `${multipliers}\n${examples("porthole head -n 1 web:/etc/passwd api:/etc/passwd", "porthole head -c 1K web:/proc/1/environ")}`,
    );
  keepGiven(timeZoneOption(head));
  head.action(async (list: string[], options) => end((await import("../commands/head.ts")).head(list, options)));

  const tail = rewriteArguments(
    consumeOption(selectionOptions(root.command("tail").argument("[target...]", INPUTS))),
    tailArguments,
  )
    .summary("write the end of files of containers, and follow them")
    .description(
      "Write the last 10 lines of each target to standard output, as GNU tail does; with -f or -F, then follow appended data. " +
        "-F follows the name: it survives rotation, truncation, deletion and recreation of the file, and restart and recreation of the container. " +
        "A glob inside a container also matches files that appear later, and a pattern of containers also matches containers that appear later.",
    )
    .option("-c, --bytes <[+]number>", "write the last bytes; with +, from that byte on")
    .option("-n, --lines <[+]number>", "write the last lines; with +, from that line on")
    .option("-f", "follow appended data of the open file")
    .addOption(new Option("--follow <how>", "descriptor: as -f; name: as -F without --retry"))
    .option("-F", "follow by name and retry: --follow=name --retry")
    .option("--retry", "wait for files that do not exist yet")
    .option("-q, --quiet", "never print headers with file names (--silent)")
    .option("-v, --verbose", "always print headers with file names")
    .option("-z, --zero-terminated", "lines end with NUL, not newline")
    .option(
      "-s, --sleep-interval <seconds>",
      "report a missing file after this many seconds; also the interval of --pid checks, at most 1 (default: 1)",
    )
    .option("--pid <pid>", "with -f, end after this process of this machine ends")
    .option("--json", "print one JSON object per line, with target, line and timestamp")
    .option("--prefix", "print the name before each line, in colour on a terminal, instead of headers")
    .option(
      "--merge",
      "merge lines of several files in order of their timestamps; a follow waits 250 ms at most for earlier lines",
    )
    .option("--since <time>", "start at the first line of this time: 10m, 2h, 1d ago, or 2026-01-31T14:05")
    .addOption(
      new Option("--color <when>", "colour the names of --prefix").choices(["auto", "always", "never"]).default("auto"),
    )
    .addHelpText(
      "after",
      `${multipliers}

Timestamps without a zone are in the target's time zone (TZ of its first process, /etc/localtime,
/etc/timezone, else UTC). The time of --since is in this machine's zone. --tz sets both.
${examples(
  "porthole tail -F web:/var/log/app.log api:/var/log/app.log",
  "porthole tail -F --prefix 'web:/var/log/*.log'",
  "porthole tail -F --prefix 'shop/*:@logs'        every container of a Compose project, new ones too",
  "porthole tail -F --label tier=front '*:/var/log/app.log'",
  "porthole tail --merge --since 10m web:/var/log/app.log db:/var/log/pg.log",
  "porthole tail -F --json 'web:/var/log/*.log' | jq -r 'select(.line | test(\"ERROR\")).target'",
  "porthole tail -c +1K web:/data/blob",
)}`,
    );
  keepGiven(timeZoneOption(tail));
  tail.action(async (list: string[], options) => end((await import("../commands/tail.ts")).tail(list, options)));
  addCp(root);
}

function addCp(root: Command): void {
  selectionOptions(
    root
      .command("cp")
      .argument("<path...>", "sources, whose globs match inside the container, and the destination on this machine")
      .usage("[options] <source...> <destination>"),
  )
    .summary("copy files and directories of containers to this machine")
    .description(
      "Copy files and directories to this machine, with their holes, permission bits and times. Directories are copied recursively.",
    )
    .option("-L, --dereference", "in directories, copy what symbolic links lead to inside the container")
    .option("-f, --force", "replace existing files of this machine")
    .option("--parents", "copy each source to a directory of its container and path: DIR/web:/var/log/app.log")
    .option("--rw", "overwrite one existing file of a container: the destination is a target")
    .option(
      "-r, --recursive",
      "accepted, as are -R, -a and -p, but not needed: directories, modes and times are always copied",
    )
    .addOption(new Option("-R").hideHelp())
    .addOption(new Option("-a, --archive").hideHelp())
    .addOption(new Option("-p").hideHelp())
    .addHelpText("after", `\n${copies}`)
    .addHelpText(
      "after",
      examples(
        "porthole cp web:/var/log/app.log .",
        "porthole cp 'web:/var/log/*.log' api:/srv/log ./logs/",
        "porthole cp web:/proc/1/fd/5 rescued.log      a deleted file that process 1 has open",
        "porthole cp web:@logs image:nginx:1.25:/etc/nginx ./evidence/",
        "porthole cp --parents 'shop/*:/var/log' ./evidence/",
        "porthole cp --rw app.conf web:/etc/app.conf",
      ),
    )
    .action(async (paths: string[], options) => end((await import("../commands/cp.ts")).cp(paths, options)));
  selectionOptions(root.command("__copies", { hidden: true }).argument("<path...>"))
    .option("-L, --dereference")
    .option("-f, --force")
    .option("--parents")
    .option("--rw")
    .option("-r, --recursive")
    .option("-R")
    .option("-a, --archive")
    .option("-p")
    .option("--one")
    .action(async (paths: string[], options) => end((await import("../commands/cp.ts")).sendCopies(paths, options)));
  root
    .command("__received", { hidden: true })
    .argument("<destination>")
    .option("-f, --force")
    .option("--place <name>")
    .action(async (path: string, options) => end((await import("../commands/cp.ts")).receiveCopies(path, options)));
}

const copies = `Copies:
  A file gets its name when it is complete; an interrupted copy leaves nothing,
  or NAME.part where the file system has no unnamed files. Existing files are
  kept without -f, which replaces regular files and links to them, never devices
  and FIFOs. The setuid, setgid and sticky bits and the owner are not copied.
  Below a directory, symbolic links are copied as links and never followed on
  this machine; FIFOs, sockets and devices are reported, and /proc, /sys and
  other file systems of the kernel are left out. --rw writes in place: if it is
  interrupted, the container's file has a part of the new content.`;

const INPUTS = "files to read; - or none: standard input";

const multipliers = `
A number may end in b 512, kB 1000, K 1024, MB 1000*1000, M 1024*1024, and so on for G, T, P, E, Z, Y.`;

/**
 * Keeps the options as given, with their values: the last of several options that conflict wins,
 * and an invalid value is an error also if a later option replaces it.
 */
function keepGiven(command: Command): void {
  const given: GivenOption[] = [];
  for (const option of command.options) {
    const name = option.attributeName();
    command.on(`option:${option.name()}`, (value: string | null | undefined) => {
      given.push({ name, value: value ?? "" });
      command.setOptionValue("given", given);
    });
  }
}
