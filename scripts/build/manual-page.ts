import type { Command } from "commander";
import { HELP } from "../../cli/kubectl/command-line/help.ts";
import { program } from "../../cli/program/index.ts";

/**
 * Returns the source of the manual page (man(7)), made from the definitions of the commands. The
 * same definitions give the same bytes, so the page has no date.
 */
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
    ".SH COMMON OPTIONS",
    ...list([...common]),
    ...["Targets", "Exit status"].flatMap((title) => [`.SH ${title.toUpperCase()}`, ...block(own.get(title) ?? [])]),
    ".SH KUBECTL PLUGIN",
    ...block(HELP.trimEnd().split("\n")),
    ".SH ENVIRONMENT",
    ...list(ENVIRONMENT),
    ".SH FILES",
    ...list(FILES),
    ".SH SEE ALSO",
    ".BR docker (1),",
    ".BR podman (1),",
    ".BR kubectl (1),",
    ".BR nsenter (1),",
    ".BR unix (7),",
    ".BR namespaces (7)",
    "",
  ].join("\n");
}

const DESCRIPTION =
  "An agent, a small static program in or beside a container, opens files and devices there and passes their descriptors over a " +
  "Unix socket. porthole reads, follows and searches the real file, or passes it to other programs. Nothing is copied out, and the " +
  "image needs no shell or tool.";

const ENVIRONMENT: [string, string][] = [
  ["DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CONFIG", "The container engine, as for docker(1)."],
  ["XDG_STATE_HOME", "The directory that contains the run directory; default ~/.local/state."],
  ["PORTHOLE_IDLE", "Default of --idle: stop the agent after this many seconds without a client."],
  ["XDG_CONFIG_HOME", "The directory that contains the settings of the screen; default ~/.config."],
  ["XDG_CACHE_HOME", "The directory that contains the compile cache; default ~/.cache."],
  ["VISUAL, EDITOR", "The editor that v in the screen starts; default vi."],
  ["LS_COLORS", "Colours of names, as for ls(1)."],
  ["NO_COLOR", "If set, print no colours."],
  ["PORTHOLE_DEBUG", "If set, print a stack trace with each error."],
];

const FILES: [string, string][] = [
  ["$XDG_STATE_HOME/porthole", "The run directory, mode 0700."],
  ["$XDG_STATE_HOME/porthole/agents", "Sockets and records of running agents."],
  [
    "$XDG_STATE_HOME/porthole/mnt",
    "The directory that containers prepared with porthole docker-args mount at /run/porthole.",
  ],
  [
    "$XDG_CONFIG_HOME/porthole/config.json",
    "Keys, theme and settings of the screen: see docs/screen.md in the package.",
  ],
  ["$XDG_CACHE_HOME/porthole", "The V8 compile cache of the commands, mode 0700; recreated when it is missing."],
];

/** Returns the options that more than three commands share, which the page describes once. */
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

/** A heading for each form of a command: `mount TARGET DIRECTORY`, `mount TARGET -- COMMAND`. */
function synopses(command: Command): string[] {
  const [first, ...others] = roff(command.usage()).replaceAll('"', '""').split(/\n */);
  return [`.SS "porthole ${command.name()} ${first}"`, ...others.flatMap((text) => [`.B "${text}"`, ".br"])];
}

function describeCommand(command: Command, common: Map<string, string>): string[] {
  const help = command.createHelp();
  const args = help
    .visibleArguments(command)
    .map((one): [string, string] => [one.name(), help.argumentDescription(one)]);
  const options = optionsOf(command).filter(([flags, text]) => common.get(flags) !== text);
  return [
    ...synopses(command),
    ...paragraph(command.description()),
    ...list([...args, ...options]),
    ...[...afterHelp(command)].flatMap(([title, lines]) =>
      lines.length === 0 ? [".PP", ...paragraph(title)] : [".PP", `${roff(title)}:`, ".PP", ...block(lines)],
    ),
  ];
}

/**
 * Returns the texts that a command adds to its help, by heading. A text without a heading is its
 * own key. Commander returns these texts only as part of the whole help.
 */
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
    if (title.endsWith(":")) sections.set(title.slice(0, -1), lines);
    else if (title !== "") sections.set([title, ...lines].join(" ").trim(), []);
  }
  return sections;
}

/** Formats lines that roff must not fill. */
function block(lines: string[]): string[] {
  return [".nf", ...lines.map((line) => guarded(roff(line))), ".fi"];
}

function list(entries: [string, string][]): string[] {
  return entries.flatMap(([term, text]) => [".TP", `\\fB${roff(term)}\\fR`, ...paragraph(text)]);
}

/** Wraps text at 78 bytes, as is usual in the source of manual pages. */
function paragraph(text: string): string[] {
  const lines = [""];
  for (const word of roff(text).split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trimStart();
    if (longer.length > 78 && lines.at(-1) !== "") lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines.map(guarded);
}

/** Escapes text for roff (groff_char(7)). */
function roff(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    .replaceAll("`", "\\(ga")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti");
}

/** Protects a line that begins with a dot, which roff would take for a request. */
function guarded(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
