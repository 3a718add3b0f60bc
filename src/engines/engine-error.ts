import { PortholeError } from "../errors.ts";
import { errorMessageOf } from "./engine.ts";

/** An engine that answered with another status than success. */
export class EngineError extends PortholeError {
  readonly status: number;

  /** `text` is the body of the answer: an engine puts its words there as JSON, a proxy HTML, and then the status has to do. */
  constructor(status: number, text: string) {
    super("TARGET", errorMessageOf({ body: parsed(text) }) ?? `HTTP status ${status}`);
    this.status = status;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
