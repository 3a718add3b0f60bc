/**
 * Events that change the list of containers. Others (exec, health checks) are frequent and do not.
 */
const CHANGES = new Set(
  "create start die died stop destroy remove rename pause unpause restart update checkpoint restore".split(" "),
);

/**
 * Id of the container that a line of GET /events reports as changed; undefined for other events and
 * invalid lines.
 */
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

/** The fields of a value; none if it is not an object. */
function fields(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
