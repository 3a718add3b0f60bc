import { PortholeError } from "../../src/errors.ts";
import { parseSessionTarget, type Target } from "../../src/target.ts";
import type { SessionPool } from "../targets/session-pool.ts";

/**
 * Returns the containers and processes that `ps` reports on. A pattern may match any number of
 * targets, or none. With `runningOnly`, a pattern matches only targets with processes.
 */
export async function containers(
  texts: readonly string[],
  sessions: SessionPool,
  failed: (error: unknown) => void,
  { runningOnly }: { runningOnly: boolean },
): Promise<Target[]> {
  const found: Target[] = [];
  for (const text of texts) {
    try {
      const pattern = sessions.sessionPattern(text);
      const target = pattern ? undefined : parseSessionTarget(text);
      if (target?.kind === "local") {
        throw new PortholeError("USAGE", `cannot list processes of '${text}': it is not a container`, {
          hint: "porthole ps CONTAINER, or porthole ps pid:N; quote a pattern: '*'",
        });
      }
      if (target) found.push(target);
      if (pattern) {
        const isReport = !runningOnly && pattern.name === "*";
        found.push(...(await sessions.select(pattern, { runningOnly, isReport })).map((named) => named.target));
      }
    } catch (error) {
      failed(error);
    }
  }
  return found;
}
