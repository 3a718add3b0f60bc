import { PortholeError, readOr } from "../errors.ts";
import { errorMessageOf } from "./engine.ts";

/** An engine responded with an HTTP status other than success. */
export class EngineError extends PortholeError {
  readonly status: number;

  /**
   * @param text the body: JSON with a message from an engine, possibly HTML from a proxy; then the
   * message is the status
   */
  constructor(status: number, text: string) {
    super("TARGET", errorMessageOf({ body: readOr(undefined, () => JSON.parse(text)) }) ?? `HTTP status ${status}`);
    this.status = status;
  }
}
