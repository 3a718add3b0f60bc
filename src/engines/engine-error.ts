import { PortholeError, readOr } from "../errors.ts";
import { errorMessageOf, hintForStatus } from "./engine.ts";

/** An engine responded with an HTTP status other than success. */
export class EngineError extends PortholeError {
  readonly status: number;

  /**
   * @param text the body: JSON with a message from an engine, possibly HTML from a proxy; then the
   * message is the status
   */
  constructor(status: number, text: string) {
    const said = errorMessageOf({ body: readOr(undefined, () => JSON.parse(text)) });
    const hint = said === undefined ? hintForStatus(status) : undefined;
    super("TARGET", said ?? `HTTP status ${status}`, { hint });
    this.status = status;
  }
}
