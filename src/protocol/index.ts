/** The wire format between host and agent, without a transport. */
export type { AgentRoute } from "./agent-info.ts";
export type { FileStat } from "./file-stat.ts";
export { MAX_BATCH, VERSION } from "./messages.ts";
