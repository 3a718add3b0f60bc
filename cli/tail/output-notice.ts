import type { OutputEvent } from "../../src/engines/index.ts";
import { reasonOf } from "./messages.ts";

/** Returns the notice for an event of a followed container. */
export function outputNotice(event: Exclude<OutputEvent, { kind: "record" }>): string {
  switch (event.kind) {
    case "ended": {
      const { exitCode } = event.container;
      return `the container has ended${exitCode === undefined ? "" : ` with status ${exitCode}`}`;
    }
    case "started":
    case "restarted":
      return `the container was ${event.kind}; continuing`;
    case "recreated":
      return "another container has this name now; continuing";
    case "unreachable":
      return `${reasonOf(event.error)}; waiting for it`;
  }
}
