/**
 * A command over several engines is one run on each, and the outputs are joined. These variables
 * make a run print what it would print in one command: names with their engine, and titles.
 */
export const PartVariable = { engine: "PORTHOLE_PART_ENGINE", isLater: "PORTHOLE_PART_LATER" } as const;

/**
 * Prefix of the names that this run prints: `far!`. Empty outside of a command over several engines,
 * and for the engines of this machine.
 */
export function namePrefix(): string {
  const engine = process.env[PartVariable.engine];
  return engine && engine !== "all" ? `${engine}!` : "";
}

/** True if this run is one of several: single files then have titles and names too. */
export function isPartOfSeveral(): boolean {
  return process.env[PartVariable.engine] !== undefined;
}

/** True if another run prints before this one. */
export function isLaterPart(): boolean {
  return process.env[PartVariable.isLater] === "1";
}
