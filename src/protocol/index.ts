/** The wire format between host and agent, without a transport. */
export type { AgentRoute, FileFacts } from "./facts.ts";
export { VERSION } from "./messages.ts";
