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
