import { PortholeError, readOr } from "../../errors.ts";
import { hintIfDenied } from "./denied-request.ts";
import { errorMessageOf } from "./engine.ts";
import type { EngineRequest } from "./engine-json.ts";

/** An engine responded with an HTTP status other than success. */
export class EngineError extends PortholeError {
  readonly status: number;

  /**
   * @param text the body: JSON with a message from an engine, possibly HTML from a proxy; then the
   * message is the status
   */
  constructor(status: number, text: string, request: EngineRequest) {
    const said = errorMessageOf({ body: readOr(undefined, () => JSON.parse(text)) });
    const hint = said === undefined ? hintIfDenied(status, request) : undefined;
    super("TARGET", said ?? `HTTP status ${status}`, { hint });
    this.status = status;
  }
}
