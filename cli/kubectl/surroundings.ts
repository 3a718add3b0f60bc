import type { Streams } from "../../src/elsewhere/index.ts";
import type { Interrupt } from "../elsewhere/interrupt.ts";
import type { Helpers } from "./helpers.ts";

/**
 * The environment of every run: the places where porthole runs, and this process's signals and
 * streams.
 */
export interface Surroundings {
  helpers: Helpers;
  interrupt: Interrupt;
  own: Streams;
}
