import { type Command, InvalidArgumentError } from "commander";
import { takesNext } from "../grep/words.ts";
import { consuming, end, examples, reaching } from "./shared.ts";

/** Commands that look for something in files, or look at their bytes. */
export function addSearching(root: Command): void {
  addGrep(root);
  addHexdump(root);
}

function addGrep(root: Command): void {
  const command = root.command("grep");
  reaching(
    command
      .argument("<pattern>", "regular expression (a target, where patterns are given with -e or -f)")
      .argument("[target...]", "files and directories to search"),
  )
    .usage("[options] [ripgrep's options] <pattern> <target...>")
    .summary("search files of containers with ripgrep")
    .description(
      "Print the lines that match a pattern. The search is ripgrep's own: options, output, colours, JSON and exit status. " +
        "Directories are searched with all below, less what ripgrep leaves out: hidden, binary and ignored files.",
    )
    // -h is grep's.
    .helpOption("--help", "display help for command")
    .option("--raw", "search bytes: do not leave out colour codes, which a terminal would not show either")
    .option("-e, --regexp <pattern>", "a pattern; may be given again, a line matches where one of them does")
    .option("-F, --fixed-strings", "patterns are plain text")
    .option("-P, --pcre2", "patterns with look-around and back-references")
    .option("-i, --ignore-case", "upper and lower case are the same")
    .option("-S, --smart-case", "the same, unless a pattern has an upper-case letter")
    .option("-w, --word-regexp", "only matches that are whole words")
    .option("-x, --line-regexp", "only matches that are whole lines")
    .option("-v, --invert-match", "lines that do not match")
    .option("-U, --multiline", "matches may span lines")
    .option("-n, --line-number", "with line numbers (the default on a terminal)")
    .option("-N, --no-line-number", "without line numbers")
    .option("-H, --with-filename", "with the target's name (the default for more than one, and for directories)")
    .option("-I, --no-filename", "without the target's name; grep's -h does the same")
    .option("-A, --after-context <lines>", "lines to show after each match")
    .option("-B, --before-context <lines>", "lines to show before each match")
    .option("-C, --context <lines>", "lines to show before and after each match")
    .option("-o, --only-matching", "only what matched, each match in a line of its own")
    .option("-r, --replace <text>", "print this instead of what matched; $1 is a group")
    .option("-m, --max-count <number>", "at most so many matching lines of each file")
    .option("-c, --count", "only how many lines match, of each file in which any does")
    .option("-l, --files-with-matches", "only the names of files that match")
    .option("-q, --quiet", "nothing: the exit status says whether anything matches")
    .option("-a, --text", "search binary files as text")
    .option("-z, --search-zip", "search in compressed files, with the programs of this machine")
    .option("-E, --encoding <name>", "the files' encoding; auto knows UTF-8 and UTF-16 by their byte order marks")
    .option("-g, --glob <glob>", "in directories, files that match; with ! before it, files that do not")
    .option("-t, --type <type>", "in directories, files of this type (--type-list)")
    .option("-., --hidden", "in directories, also what begins with a dot")
    .option("-u, --unrestricted", "ignore files have no say; twice: also hidden files; three times: also binary ones")
    .option("-L, --follow", "in directories, follow symbolic links")
    .option("--sort <what>", "in order of path, modified, accessed or created")
    .option("--color <when>", "mark matches with colours: auto, always, ansi or never")
    .option("--stats", "at the end, how much was searched and found")
    .option("--json", "JSON Lines")
    .addHelpText("after", `\n${ripgrep}\n\n${statuses}`)
    .addHelpText(
      "after",
      examples(
        "porthole grep ' 50[0-9] ' web:/var/log/nginx/access.log",
        "porthole grep -i -C2 'out of memory' web:/var/log api:/var/log",
        "porthole grep -F 'user[42]' 'web:/var/log/app.log*'",
        "porthole grep -c ERROR web:/var/log/app.log pid:4242:/tmp/out",
        "porthole grep -t py -g '!test' 'def main' web:/app",
        "porthole grep --json timeout web:/var/log/app.log | jq .data.line_number",
      ),
    )
    .action(async (pattern: string, targets: string[], options) =>
      end((await import("../commands/grep.ts")).grep([pattern, ...targets], options)),
    );
  leaveToRipgrep(command);
}

/** porthole's own options are read wherever they stand before `--`; all other words are ripgrep's. */
function leaveToRipgrep(command: Command): void {
  const parse = command.parseOptions.bind(command);
  command.parseOptions = (words) => {
    const own: string[] = [];
    const operands: string[] = [];
    const left = [...words];
    for (let word = left.shift(); word !== undefined; word = left.shift()) {
      const name = /^--[^=]*/.exec(word)?.[0];
      if (word === "--") operands.push(word, ...left.splice(0));
      else if (SWITCHES.includes(word) || OWN.includes(name ?? "")) {
        own.push(word);
        if (name === word && OWN.includes(word)) own.push(...left.splice(0, 1));
      } else {
        operands.push(word);
        // What follows is this option's, whatever it looks like.
        if (takesNext(word)) operands.push(...left.splice(0, 1));
      }
    }
    const { unknown } = parse(own);
    return { operands, unknown };
  };
}

const SWITCHES = ["--help", "--raw"];
/** With a value. */
const OWN = ["--route", "--engine", "--user", "--idle"];

function addHexdump(root: Command): void {
  consuming(reaching(root.command("hexdump").argument("<target>", "what to read: a file or a device")))
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

const ripgrep = `ripgrep:
  Every option of ripgrep that makes sense on given files works: see rg(1). Not available are --pre, --pre-glob, --hostname-bin,
  --hyperlink-format and --generate. Options in the file that RIPGREP_CONFIG_PATH names count, unless --no-config is given.
  In directories ignore files count from the named directory down. Text with colour codes is searched as a terminal shows it, so
  byte offsets are those of what is shown; --raw searches the bytes. Such a file, one that only the agent may read, and one whose
  file system may not answer come to ripgrep through a pipe, which has no size and no times.`;

const statuses = `Exit status:
  0  a line matched, and nothing failed (with -q: a line matched)
  1  no line matched
  2  something failed: wrong usage, a file that could not be read, a target that could not be reached`;
