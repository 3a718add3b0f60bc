import type { Command } from "commander";
import { program } from "../../cli/program/index.ts";

/** Source of the manual page (man(7)), made from the commands' own definitions. The same definitions give the same bytes, so it has no date. */
export function manualPage(version: string): string {
  const root = program(version);
  const help = root.createHelp();
  const own = afterHelp(root);
  const commands = help.visibleCommands(root).filter((command) => command.name() !== "help");
  const common = commonOptions(commands);
  return [
    `.TH PORTHOLE 1 "" "porthole ${root.version() ?? ""}" "User Commands"`,
    ".SH NAME",
    `porthole \\- ${roff(lowerFirst(root.description()).replace(/\.$/, ""))}`,
    ".SH SYNOPSIS",
    ".B porthole",
    ".I COMMAND",
    "[\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]",
    ".br",
    ".B porthole",
    "[\\fITARGET\\fR]",
    ".SH DESCRIPTION",
    ...paragraph(DESCRIPTION),
    ".SH COMMANDS",
    ...commands.flatMap((command) => describeCommand(command, common)),
    ".SH OPTIONS OF COMMANDS THAT REACH INTO A TARGET",
    ...list([...common]),
    ...["Targets", "Exit status"].flatMap((title) => [`.SH ${title.toUpperCase()}`, ...block(own.get(title) ?? [])]),
    ".SH ENVIRONMENT",
    ...list(ENVIRONMENT),
    ".SH FILES",
    ...list(FILES),
    ".SH SEE ALSO",
    ".BR docker (1),",
    ".BR podman (1),",
    ".BR nsenter (1),",
    ".BR unix (7),",
    ".BR namespaces (7)",
    "",
  ].join("\n");
}

const DESCRIPTION =
  "An agent, a small static program in or beside a container, opens files and devices there and passes their descriptors over a " +
  "Unix socket. What porthole then reads, follows, searches or gives to other programs is the real file: nothing is copied out, and " +
  "no shell or tool is needed in the image.";

const ENVIRONMENT: [string, string][] = [
  ["DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CONFIG", "The container engine, as for docker(1)."],
  ["XDG_STATE_HOME", "Where the run directory lies; default ~/.local/state."],
  ["PORTHOLE_IDLE", "Default of --idle: seconds without a client after which an agent ends."],
  ["XDG_CONFIG_HOME", "Where the screen's settings lie; default ~/.config."],
  ["XDG_CACHE_HOME", "Where what was compiled for a quick start lies; default ~/.cache."],
  ["VISUAL, EDITOR", "What v in the screen opens a file with; default vi."],
  ["LS_COLORS", "Colours of names, as for ls(1)."],
  ["NO_COLOR", "Set: no colours."],
  ["PORTHOLE_DEBUG", "Set: errors come with a stack trace."],
];

const FILES: [string, string][] = [
  ["$XDG_STATE_HOME/porthole", "The run directory, mode 0700."],
  ["$XDG_STATE_HOME/porthole/agents", "Sockets of live agents and what is known of them."],
  [
    "$XDG_STATE_HOME/porthole/mnt",
    "What containers that were prepared with porthole docker-args see as /run/porthole.",
  ],
  [
    "$XDG_CONFIG_HOME/porthole/config.json",
    "Keys, theme and switches of the screen; docs/screen.md of the package has them.",
  ],
  ["$XDG_CACHE_HOME/porthole", "Commands as V8 compiled them, mode 0700; made anew when they are missing."],
];

/** Options that many commands have in the same words are told of once. */
function commonOptions(commands: Command[]): Map<string, string> {
  const all = commands.flatMap((command) => optionsOf(command).map((option) => option.join("\0")));
  const common = new Set(all.filter((option) => all.filter((other) => other === option).length > 3));
  return new Map([...common].map((option) => option.split("\0") as [string, string]));
}

function optionsOf(command: Command): [string, string][] {
  const help = command.createHelp();
  return help
    .visibleOptions(command)
    .filter(({ long }) => long !== "--help")
    .map((option) => [option.flags, help.optionDescription(option)]);
}

function describeCommand(command: Command, common: Map<string, string>): string[] {
  const help = command.createHelp();
  const args = help
    .visibleArguments(command)
    .map((one): [string, string] => [one.name(), help.argumentDescription(one)]);
  const options = optionsOf(command).filter(([flags, text]) => common.get(flags) !== text);
  return [
    `.SS "porthole ${command.name()} ${roff(command.usage()).replaceAll('"', '""')}"`,
    ...paragraph(command.description()),
    ...list([...args, ...options]),
    ...[...afterHelp(command)].flatMap(([title, lines]) =>
      // Without a colon it is a remark of its own.
      title.endsWith(".")
        ? [title, ...lines].flatMap((line) => [".PP", ...paragraph(line)])
        : [".PP", `${roff(title)}:`, ".PP", ...block(lines)],
    ),
  ];
}

/** The texts that a command adds to its help, by their headings: that is the only place where commander gives them out. */
function afterHelp(command: Command): Map<string, string[]> {
  let text = "";
  const plain = command.helpInformation();
  const configured = { ...command.configureOutput() };
  command.configureOutput({
    writeOut: (piece) => {
      text += piece;
    },
  });
  command.outputHelp();
  command.configureOutput(configured);
  const sections = new Map<string, string[]>();
  for (const part of text.slice(text.indexOf(plain) + plain.length).split(/\n\n+|^\n/)) {
    const [title = "", ...lines] = part.split("\n").filter((line) => line !== "");
    if (title !== "") sections.set(title.replace(/:$/, ""), lines);
  }
  return sections;
}

/** Lines as they are. */
function block(lines: string[]): string[] {
  return [".nf", ...lines.map((line) => guarded(roff(line))), ".fi"];
}

function list(entries: [string, string][]): string[] {
  return entries.flatMap(([term, text]) => [".TP", `\\fB${roff(term)}\\fR`, ...paragraph(text)]);
}

/** Filled to lines of at most 78 bytes, as sources of manual pages are. */
function paragraph(text: string): string[] {
  const lines = [""];
  for (const word of roff(text).split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trimStart();
    if (longer.length > 78 && lines.at(-1) !== "") lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines.map(guarded);
}

/** Text as roff shows it unchanged (groff_char(7)). */
function roff(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    .replaceAll("`", "\\(ga")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti");
}

/** A line that begins with a dot would be a request. */
function guarded(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
