import type { Connection } from "../../connection/connection.ts";
import { failureLine } from "../../connection/failure-lines.ts";
import type { Status } from "../../view/view.ts";

/** A list of a target's data. */
export interface ShownList {
  list: { readonly filter: string };
  connection: Connection | undefined;
  /** Why the list may show old data although its target is connected; undefined if it does not. */
  why: unknown;
  /** The key that reads the list again. */
  key: string;
}

/**
 * Returns the left part of a list's status row: `NOT LIVE` and the reason if the list may show old
 * data, otherwise `remark`.
 */
export function liveness({ list, connection, why, key }: ShownList, remark: () => string): Omit<Status, "right"> {
  const filter = list.filter ? `/${list.filter}` : "";
  const loss = connection?.reconnection.message(key);
  if (!loss && why === undefined) return { mark: filter, left: remark() };
  const mark = ["NOT LIVE", filter].filter(Boolean).join("  ");
  if (!loss) return { mark, left: `${failureLine(why)}: ${key} retries`, tone: "warning" };
  return { mark, left: loss, tone: connection?.reconnection.isOver ? "bad" : "warning" };
}
