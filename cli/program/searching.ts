import { type Command, InvalidArgumentError, Option } from "commander";
import { end, examples, reaching } from "./shared.ts";

/** Commands that look for something in files, or look at their bytes. */
export function addSearching(root: Command): void {
  addGrep(root);
  addHexdump(root);
}

function addGrep(root: Command): void {
  const command = root.command("grep");
  reaching(
    command
      .argument("<pattern>", "regular expression (a target, where patterns are given with -e)")
      .argument("[target...]", "files and directories to search"),
  )
    .summary("search files of containers, as ripgrep does")
    .description(
      "Print the lines that match a pattern: options, output and exit status are ripgrep's. Directories are searched with all below, " +
        "without hidden files and without binary ones.",
    )
    // -h is grep's.
    .helpOption("--help", "display help for command")
    .option("-e, --regexp <pattern>", "a pattern; may be given again, a line matches where one of them does", collect)
    .option("-F, --fixed-strings", "patterns are plain text")
    .option("-i, --ignore-case", "upper and lower case are the same")
    .option("-w, --word-regexp", "only matches that are whole words")
    .option("-x, --line-regexp", "only matches that are whole lines")
    .option("-v, --invert-match", "lines that do not match")
    .option("-n, --line-number", "with line numbers (the default on a terminal)")
    .option("-N, --no-line-number", "without line numbers")
    .option("-H, --with-filename", "with the target's name (the default for more than one, and for directories)")
    .option("-h, --no-filename", "without the target's name")
    .option("-A, --after-context <lines>", "lines to show after each match", count)
    .option("-B, --before-context <lines>", "lines to show before each match", count)
    .option("-C, --context <lines>", "lines to show before and after each match", count)
    .option("-o, --only-matching", "only what matched, each match in a line of its own")
    .option("-m, --max-count <number>", "at most so many matching lines of each file", count)
    .option("-c, --count", "only how many lines match, of each file in which any does (with -o: how many matches)")
    .option("-l, --files-with-matches", "only the names of files that match")
    .option("-q, --quiet", "nothing: the exit status says whether anything matches")
    .option("-a, --text", "treat binary files as text")
    .option("-r, --recursive", "search directories with all below, which is the default")
    .option("--hidden", "also what begins with a dot, in directories")
    .addOption(
      new Option("--color <when>", "mark matches with colours").choices(["auto", "always", "never"]).default("auto"),
    )
    .option("--json", "JSON Lines, as ripgrep's --json")
    .addHelpText("after", `\n${patterns}\n\n${statuses}`)
    .addHelpText(
      "after",
      examples(
        "porthole grep ' 50[0-9] ' web:/var/log/nginx/access.log",
        "porthole grep -i -C2 'out of memory' web:/var/log api:/var/log",
        "porthole grep -F 'user[42]' 'web:/var/log/app.log*'",
        "porthole grep -c ERROR web:/var/log/app.log pid:4242:/tmp/out",
        "porthole grep --json timeout web:/var/log/app.log | jq .data.line_number",
      ),
    )
    .action(async (pattern: string, targets: string[], options) =>
      end((await import("../commands/grep.ts")).grep(pattern, targets, options)),
    );
}

function addHexdump(root: Command): void {
  reaching(root.command("hexdump").argument("<target>", "what to read: a file or a device"))
    .summary("show a file's or a device's bytes in hexadecimal")
    .description("Show bytes in hexadecimal with their characters, as hexdump -C. Holes of sparse files are not read.")
    .option("-C, --canonical", "the default, for those who type hexdump -C")
    .option("-s, --skip <offset>", "skip so many bytes: 10, 0xa, 012, with K (or KiB) 1024, KB 1000, M, G, T, P", size)
    .option("-n, --length <length>", "at most so many bytes, written likewise", size)
    .option("-v, --no-squeezing", "show lines that are the same as the one before, instead of *")
    .addHelpText(
      "after",
      examples(
        "porthole hexdump -n 64 web:/bin/sh",
        "porthole hexdump -s 1G web:/data/disk.img",
        "porthole hexdump -n 16 web:/dev/urandom",
      ),
    )
    .action(async (target: string, options) => end((await import("../commands/hexdump.ts")).hexdump(target, options)));
}

function collect(pattern: string, before: string[] = []): string[] {
  return [...before, pattern];
}

function count(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("It is not a number.");
  return Number(text);
}

/** As util-linux reads a size: a number of C with a suffix. */
function size(text: string): number {
  const match = /^(0x[0-9a-f]+|\d+)(?:([KMGTPE])(iB|B)?)?$/i.exec(text);
  const digits = match?.[1] ?? "";
  const power = match?.[2] === undefined ? 0 : "KMGTPE".indexOf(match[2].toUpperCase()) + 1;
  const base = match?.[3]?.toUpperCase() === "B" ? 1000 : 1024;
  const number = /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  const value = number * base ** power;
  if (match === null || /^0\d*[89]/.test(digits)) throw new InvalidArgumentError("It is not a number of bytes.");
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError("It is beyond what a file can hold.");
  return value;
}

const patterns = `Patterns:
  JavaScript regular expressions, lookbehind and all, that hold for single lines and mean what they mean in ripgrep where both
  differ: . is any character, ^ and $ are the ends of the line, \\w \\d \\s \\b and -i know Unicode. Understood as well: (?i) in front,
  (?P<name>...), \\A \\z, \\< \\>, [[:alpha:]], \\x{1F600}, \\pL; a brace that is no quantifier is a brace.
  Unlike ripgrep's they backtrack: nested repetitions as in (a+)+$ can take for ever on a line that nearly matches (end it with Ctrl-C).

Directories:
  All below is searched but what is hidden or binary: ignore files (.gitignore, .ignore, .rgignore) are not read, for in a container they
  say what was kept out of its image, not what is of no interest.`;

const statuses = `Exit status:
  0  a line matched, and nothing failed (with -q: a line matched)
  1  no line matched
  2  something failed: wrong usage, a file that could not be read, a target that could not be reached`;
