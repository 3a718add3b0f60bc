/** Options of every command that reaches into a target. */
export interface ReachOptions {
  engine?: string;
  route?: "auto" | "direct" | "mount" | "sidecar";
  user?: string;
  idle?: number;
}
