import { type Command, InvalidArgumentError } from "commander";
import { takesValue } from "../grep/arguments.ts";
import { OWN_OF_GREP } from "../grep/own-of-grep.ts";
import { connectionOptions, consumeOption, end, examples, selectionOptions } from "./shared.ts";

/** Commands that search files or show their bytes. */
export function addSearchCommands(root: Command): void {
  addGrep(root);
  addHexdump(root);
}

function addGrep(root: Command): void {
  const command = root.command("grep");
  selectionOptions(
    command
      .argument("<pattern>", "regular expression (with -e or -f: the first target)")
      .argument("[target...]", "files and directories to search"),
  )
    .usage("[options] [ripgrep's options] <pattern> <target...>")
    .summary("search files of containers with ripgrep")
    .description(
      "Print lines that match a pattern. ripgrep does the search: options, output, colours, JSON and exit status are those of rg(1). " +
        "Directories are searched recursively, without hidden, binary and ignored files.",
    )
    // In grep(1), -h means --no-filename.
    .helpOption("--help", "display help for command")
    .option("--raw", "search raw bytes: do not strip colour codes before the search")
    .option("-e, --regexp <pattern>", "pattern to search for; repeat it to match any of several")
    .option("-F, --fixed-strings", "treat patterns as plain text")
    .option("-P, --pcre2", "use PCRE2 patterns, with look-around and back-references")
    .option("-i, --ignore-case", "ignore case")
    .option("-S, --smart-case", "ignore case, unless a pattern has an upper-case letter")
    .option("-w, --word-regexp", "match whole words only")
    .option("-x, --line-regexp", "match whole lines only")
    .option("-v, --invert-match", "print lines that do not match")
    .option("-U, --multiline", "let matches span lines")
    .option("-n, --line-number", "print line numbers (the default on a terminal)")
    .option("-N, --no-line-number", "do not print line numbers")
    .option("-H, --with-filename", "print the target's name (the default for several targets and for directories)")
    .option("-I, --no-filename", "do not print the target's name; grep's -h does the same")
    .option("-A, --after-context <lines>", "print this many lines after each match")
    .option("-B, --before-context <lines>", "print this many lines before each match")
    .option("-C, --context <lines>", "print this many lines before and after each match")
    .option("-o, --only-matching", "print only the matches, each on its own line")
    .option("-r, --replace <text>", "print this text instead of each match; $1 is a group")
    .option("-m, --max-count <number>", "stop after this many matching lines per file")
    .option("-c, --count", "print only the number of matching lines, for each file with matches")
    .option("-l, --files-with-matches", "print only the names of files with matches")
    .option("-q, --quiet", "print nothing; the exit status tells whether a line matched")
    .option("-a, --text", "search binary files as text")
    .option("-z, --search-zip", "search compressed files, with the programs of this machine")
    .option("-E, --encoding <name>", "encoding of the files; auto detects UTF-8 and UTF-16 by byte order mark")
    .option("-g, --glob <glob>", "in directories, search only files that match; with a leading !, skip them")
    .option("-t, --type <type>", "in directories, search only files of this type (--type-list)")
    .option("-., --hidden", "in directories, also search names that begin with a dot")
    .option("-u, --unrestricted", "do not apply ignore files; twice: also hidden files; three times: also binary files")
    .option("-L, --follow", "in directories, follow symbolic links")
    .option("--sort <what>", "sort by path, modified, accessed or created")
    .option("--color <when>", "colour the matches: auto, always, ansi or never")
    .option("--stats", "print statistics at the end")
    .option("--json", "print JSON Lines")
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

/** Removes porthole's own options anywhere before `--` and passes all other words to ripgrep. */
function leaveToRipgrep(command: Command): void {
  const parse = command.parseOptions.bind(command);
  command.parseOptions = (args) => {
    const own: string[] = [];
    const operands: string[] = [];
    const left = [...args];
    for (let word = left.shift(); word !== undefined; word = left.shift()) {
      const name = /^--[^=]*/.exec(word)?.[0];
      if (word === "--") operands.push(word, ...left.splice(0));
      else if (isExpressionEngine(word, left[0])) operands.push(word, ...left.splice(0, word === name ? 1 : 0));
      else if (SWITCHES.includes(word) || OWN.includes(name ?? "")) {
        own.push(word);
        if (name === word && OWN.includes(word)) own.push(...left.splice(0, 1));
      } else {
        operands.push(word);
        // The next word is the option's value, even if it looks like an option.
        if (takesValue(word)) operands.push(...left.splice(0, 1));
      }
    }
    const { unknown } = parse(own);
    return { operands, unknown };
  };
}

/** True for ripgrep's `--engine`, which names no container engine. */
function isExpressionEngine(word: string, next: string | undefined): boolean {
  return /^--engine=(auto|pcre2)$/.test(word) || (word === "--engine" && /^(auto|pcre2)$/.test(next ?? ""));
}

const SWITCHES = OWN_OF_GREP.switches.map((name) => `--${name}`);
const OWN = OWN_OF_GREP.withValue.map((name) => `--${name}`);

function addHexdump(root: Command): void {
  consumeOption(connectionOptions(root.command("hexdump").argument("<target>", "file or device to read")))
    .summary("show the bytes of a file or device in hexadecimal")
    .description("Show bytes in hexadecimal and as characters, as hexdump -C does. Holes of sparse files are not read.")
    .option("-C, --canonical", "accepted for compatibility with hexdump -C; the default")
    .option(
      "-s, --skip <offset>",
      "skip this many bytes: 10, 0xa, 012; suffixes K or KiB 1024, KB 1000, and so on for M, G, T, P",
      size,
    )
    .option("-n, --length <length>", "show at most this many bytes, in the same notation", size)
    .option("-v, --no-squeezing", "print repeated lines instead of *")
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

/** Parses a size as util-linux does: a number in C notation with a suffix. */
function size(text: string): number {
  const match = /^(0x[0-9a-f]+|\d+)(?:([KMGTPE])(iB|B)?)?$/i.exec(text);
  const digits = match?.[1] ?? "";
  const power = match?.[2] === undefined ? 0 : "KMGTPE".indexOf(match[2].toUpperCase()) + 1;
  const base = match?.[3]?.toUpperCase() === "B" ? 1000 : 1024;
  const number = /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  const value = number * base ** power;
  if (match === null || /^0\d*[89]/.test(digits))
    throw new InvalidArgumentError("Use a number of bytes, such as 512, 0x200 or 4K.");
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError("No file can have this size.");
  return value;
}

const ripgrep = `ripgrep:
  All options of ripgrep work (see rg(1)) except --pre, --pre-glob, --hostname-bin,
  --hyperlink-format and --generate. --engine auto and --engine pcre2 are those of ripgrep, any
  other --engine names a container engine. The file named by RIPGREP_CONFIG_PATH is read, unless
  --no-config is given. In directories, ignore files (.gitignore in a repository, .ignore,
  .rgignore) apply from the named directory down; --no-ignore searches all files.
  Text with colour codes is searched as a terminal shows it, so byte offsets refer to the
  shown text; --raw searches the bytes. ripgrep reads such a file through a pipe, which has
  no size and no times. The same applies to files that only the agent may read, and to files
  on a file system that may not answer.`;

const statuses = `Exit status:
  0  a line matched and nothing failed (with -q: a line matched)
  1  no line matched
  2  error: wrong usage, an unreadable file or an unreachable target`;
