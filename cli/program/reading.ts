import { type Command, Option } from "commander";
import { headArguments, rewriting, tailArguments } from "./rewriting.ts";
import { consuming, end, examples, reaching, timeZone } from "./shared.ts";

/** Commands that write a file's content to standard output. */
export function addReading(root: Command): void {
  consuming(reaching(root.command("cat").argument("[target...]", "what to read; - or none: standard input")))
    .summary("write files of containers to standard output")
    .description("Write files to standard output: byte for byte to files and pipes, made safe on a terminal.")
    .option("--trace", "say on standard error which descriptor came, by which route, how fast")
    .addHelpText(
      "after",
      examples(
        "porthole cat web:/var/log/app.log",
        "porthole cat web:/proc/1/status pid:4242:/etc/hosts",
        "porthole cat --trace web:/etc/hostname",
      ),
    )
    .action(async (list: string[], options) => end((await import("../commands/cat.ts")).cat(list, options)));

  const head = rewriting(
    consuming(reaching(root.command("head").argument("[target...]", "what to read; - or none: standard input"))),
    headArguments,
  )
    .summary("write the beginning of files of containers")
    .description("Write the first 10 lines of each target to standard output, as GNU head.")
    .option("-c, --bytes <[-]number>", "the first bytes; with - all but the last")
    .option("-n, --lines <[-]number>", "the first lines; with - all but the last")
    .option("-q, --quiet", "no headers with file names (--silent)")
    .option("-v, --verbose", "headers always")
    .option("-z, --zero-terminated", "lines end with NUL, not newline")
    .option("--json", "one JSON object a line: target, line, the time that it bears")
    .addHelpText(
      "after",
      `${multipliers}\n${examples("porthole head -n 1 web:/etc/passwd api:/etc/passwd", "porthole head -c 1K web:/proc/1/environ")}`,
    );
  lastOf(timeZone(head));
  head.action(async (list: string[], options) => end((await import("../commands/head.ts")).head(list, options)));

  const tail = rewriting(
    consuming(reaching(root.command("tail").argument("[target...]", "what to read; - or none: standard input"))),
    tailArguments,
  )
    .summary("write the end of files of containers, and follow them")
    .description(
      "Write the last 10 lines of each target to standard output, as GNU tail, and with -f or -F what is appended. A follow by name (-F) lives " +
        "through rotation, truncation, deletion and return, a restart of the container and another container of its name; " +
        "a glob inside a container takes in files that appear later.",
    )
    .option("-c, --bytes <[+]number>", "the last bytes; with + from that byte on")
    .option("-n, --lines <[+]number>", "the last lines; with + from that line on")
    .option("-f", "show what is appended, staying with the open file")
    .addOption(new Option("--follow <how>", "what -f (descriptor) or -F without --retry (name) does"))
    .option("-F", "follow by name, and wait for what is not there")
    .option("--retry", "wait for what is not there")
    .option("-q, --quiet", "no headers with file names (--silent)")
    .option("-v, --verbose", "headers always")
    .option("-z, --zero-terminated", "lines end with NUL, not newline")
    .option(
      "-s, --sleep-interval <seconds>",
      "how long a name must be gone before it is said, and between looks at --pid, at most 1 (1)",
    )
    .option("--pid <pid>", "with -f, end when this process of this machine has ended")
    .option("--json", "one JSON object a line: target, line, the time that it bears")
    .option("--prefix", "the name before each line, in colour on a terminal, in place of headers")
    .option("--merge", "order lines of several files by the times they bear")
    .option("--since <time>", "from the first line of this time on: 10m, 2h, 1d, or a time as 2026-01-31T14:05")
    .addOption(new Option("--color <when>", "colours of --prefix").choices(["auto", "always", "never"]).default("auto"))
    .addHelpText(
      "after",
      `${multipliers}
A time without a zone means what it does in the target (TZ of its first process, /etc/localtime, /etc/timezone, else UTC), the time of --since
what it does here; --tz sets both.
${examples(
  "porthole tail -F web:/var/log/app.log api:/var/log/app.log",
  "porthole tail -F --prefix 'web:/var/log/*.log'",
  "porthole tail --merge --since 10m web:/var/log/app.log db:/var/log/pg.log",
  "porthole tail -F --json 'web:/var/log/*.log' | jq -r 'select(.line | test(\"ERROR\")).target'",
  "porthole tail -c +1K web:/data/blob",
)}`,
    );
  lastOf(timeZone(tail));
  tail.action(async (list: string[], options) => end((await import("../commands/tail.ts")).tail(list, options)));
}

const multipliers = `
A number may end in b 512, kB 1000, K 1024, MB 1000*1000, M 1024*1024, and so on for G, T, P, E, Z, Y.`;

/** Of options that speak of the same thing the last one counts: their order is kept, as `order`. */
function lastOf(command: Command): void {
  const order: string[] = [];
  for (const option of command.options) {
    const name = option.attributeName();
    command.on(`option:${option.name()}`, () => {
      order.push(name);
      command.setOptionValue("order", order);
    });
  }
}
