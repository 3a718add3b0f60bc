/** Options of every command that reaches into a target. */
export interface ConnectionOptions {
  engine?: string;
  route?: "auto" | "direct" | "mount" | "sidecar";
  user?: string;
  idle?: number;
  /** What times without a zone mean, for commands that read times. */
  tz?: string;
}
