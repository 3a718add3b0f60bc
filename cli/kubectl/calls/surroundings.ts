import type { Place, Streams } from "../../../src/elsewhere/index.ts";
import type { Interrupt } from "../../io/interrupt.ts";

/** Where porthole runs for pods: helper pods of nodes, or ephemeral containers. */
export interface Places {
  /** Looks again for existing ones. */
  find(): Promise<void>;
  /**
   * @param where a node, or `NAMESPACE/POD`
   * @throws PortholeError ATTACH, TARGET, with the remedy
   */
  on(where: string): Promise<Place>;
  /** Removes the helper pods that this run has created. */
  close(): Promise<void>;
}

/**
 * The environment of every run: the places where porthole runs, and this process's signals and
 * streams.
 */
export interface Surroundings {
  places: Places;
  interrupt: Interrupt;
  own: Streams;
}
