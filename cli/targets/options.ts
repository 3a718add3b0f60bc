import type { Label } from "./container-pattern.ts";

/** Options of every command that connects to a target. */
export interface ConnectionOptions {
  engine?: string;
  route?: "auto" | "direct" | "mount" | "sidecar";
  user?: string;
  idle?: number;
  /** `--label`, of commands that take several containers. */
  label?: readonly Label[];
  /** The zone of timestamps without a zone, for commands that read timestamps. */
  tz?: string;
}
