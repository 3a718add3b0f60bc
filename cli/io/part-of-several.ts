/**
 * A command over several engines is one run per engine, with joined outputs. These variables tell a
 * run to print as a part of one command: names with their engine, and titles.
 */
export const PartVariable = {
  /** Number of the process that has started the run on this machine; the run ends with it. */
  parent: "PORTHOLE_PART_PARENT",
  engine: "PORTHOLE_PART_ENGINE",
  /** `far!`: the run is the whole command, but its targets name their engine. */
  prefix: "PORTHOLE_PART_PREFIX",
  isLater: "PORTHOLE_PART_LATER",
  /** A follow reports its positions, and begins at these: see cli/tail/positions.ts. */
  positions: "PORTHOLE_PART_POSITIONS",
  /** `1`: records of `tail --json` may have several lines, because nothing here needs lines. */
  chunks: "PORTHOLE_PART_CHUNKS",
  /** In an ephemeral container: the name of its pod. Process 1 is the target there. */
  name: "PORTHOLE_PART_NAME",
  /** `runtime`: only the runtime has mounted file systems, because no container of the pod may. */
  mounts: "PORTHOLE_PART_MOUNTS",
} as const;

/**
 * Prefix of the names that this run prints: `far!`. Empty if the targets do not name their engine,
 * and for local engines.
 */
function namePrefix(): string {
  const prefix = process.env[PartVariable.prefix];
  if (prefix !== undefined) return prefix;
  const engine = process.env[PartVariable.engine];
  return engine && engine !== "all" ? `${engine}!` : "";
}

/** Returns the name that this run prints for a target. */
export function shownName(text: string): string {
  const name = process.env[PartVariable.name];
  return name !== undefined && /^pid:1(?!\d)/.test(text) ? name + text.slice("pid:1".length) : namePrefix() + text;
}

const sessions = new Set<string>();

/** Notes the name of a session, such as `web`, for {@link withEngine}. */
export function noteSession(name: string): void {
  if (name !== "") sessions.add(name);
}

/**
 * Adds the engine to the names of sessions in an error's message: errors of the library contain the
 * names without it.
 */
export function withEngine(message: string): string {
  const prefix = namePrefix();
  if (prefix === "") return message;
  return [...new Set([...sessions, ...argumentNames()])].reduce((text, name) => {
    const quoted = name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
    return text.replace(new RegExp(`(?<=^|[ ('])${quoted}(?=:[/@]|')`, "g"), () => prefix + name);
  }, message);
}

/** Names of containers, images and volumes among the arguments: an error may precede the session. */
function argumentNames(): string[] {
  const [, , command = "", ...words] = process.argv;
  const name = /^(ps|diff|doctor|browse)$/.test(command) ? /^[\w.][^:]*$|^[\w.].*?(?=:[/@])/ : /^[\w.].*?(?=:[/@])/;
  return words.flatMap((word) => name.exec(word)?.[0] ?? []);
}

/** The variables for a run whose targets name their engine. */
export function prefixVariables(engine: string | undefined): Record<string, string> {
  return engine === undefined ? {} : { [PartVariable.prefix]: `${engine}!` };
}

/** True if this run is one of several. It then prints titles and names for single files too. */
export function isPartOfSeveral(): boolean {
  return process.env[PartVariable.engine] !== undefined;
}

/** True if another run prints before this one. */
export function isLaterPart(): boolean {
  return process.env[PartVariable.isLater] === "1";
}
