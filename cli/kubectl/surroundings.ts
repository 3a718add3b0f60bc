import type { Streams } from "../../src/elsewhere/index.ts";
import type { Interrupt } from "../elsewhere/interrupt.ts";
import type { Helpers } from "./helpers.ts";

/** What every run needs: where porthole runs, this process's signals and its streams. */
export interface Surroundings {
  helpers: Helpers;
  interrupt: Interrupt;
  own: Streams;
}
