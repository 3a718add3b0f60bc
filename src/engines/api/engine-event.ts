import { readOr } from "../../errors.ts";

/**
 * Events that change the list of containers. Other events, such as exec, are frequent and do not
 * change it. {@link reportedHealth} handles health checks.
 */
const CHANGES = new Set(
  "create start die died stop destroy remove rename pause unpause restart update checkpoint restore".split(" "),
);

/**
 * Id of the container that a line of GET /events reports as changed; undefined for other events and
 * invalid lines.
 */
export function changedContainer(line: string): string | undefined {
  const { id, action } = eventOf(line);
  return CHANGES.has(action) ? id : undefined;
}

/**
 * The result of a health check from a line of GET /events; undefined for other events. Docker
 * reports changes of the result, Podman every check.
 */
export function reportedHealth(line: string): { id: string; health: string } | undefined {
  const { id, action } = eventOf(line);
  const health = /^health_status(?:: *(.*))?$/.exec(action);
  return id === undefined || health === null ? undefined : { id, health: health[1] ?? "" };
}

function eventOf(line: string): { id: string | undefined; action: string } {
  const event = fields(readOr(undefined, () => JSON.parse(line)));
  const id = fields(event.Actor).ID ?? event.id;
  const action = event.Action ?? event.status;
  return { id: typeof id === "string" ? id : undefined, action: typeof action === "string" ? action : "" };
}

/** The fields of a value; empty if it is not an object. */
function fields(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
