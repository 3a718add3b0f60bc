import type { LevelLooks } from "../../canvas/line-text.ts";
import type { LineSource } from "../document/sources.ts";

/** How a text is painted. */
export interface TextLooks {
  colours: "pass" | "drop";
  levelLooks: LevelLooks;
  /** The sources of a merged text. */
  sources?: readonly LineSource[] | undefined;
}
