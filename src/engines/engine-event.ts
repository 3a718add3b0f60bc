/** Events after which the list of containers has changed; others (exec, health checks) come all the time and change nothing of it. */
const CHANGES = new Set(
  "create start die died stop destroy remove rename pause unpause restart update checkpoint restore".split(" "),
);

/** The id of the container that a line of GET /events tells a change of; undefined for every other event, and for what is none: engines have many. */
export function changedContainer(line: string): string | undefined {
  const event = fields(parsed(line));
  const id = fields(event.Actor).ID ?? event.id;
  const action = event.Action ?? event.status;
  return typeof id === "string" && typeof action === "string" && CHANGES.has(action) ? id : undefined;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Of whatever a value is: where it has none, none. */
function fields(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
