import { signalOf } from "../descriptors/poll.ts";
import type { AgentRoute } from "../protocol/agent-info.ts";
import type { AttachOptions } from "../routes/attachment.ts";
import { parseSessionTarget, type Target } from "../target.ts";
import { LocalSession } from "./local-session.ts";
import type { Session } from "./session.ts";

/** Options of {@link connect}; see also {@link AttachOptions}. */
export interface ConnectOptions extends Omit<AttachOptions, "route"> {
  /** `auto` (the default) uses a live agent, else the first route that works. */
  route?: AgentRoute | "auto" | undefined;
  /**
   * Milliseconds for one request to the agent, 10,000 by default. A request that times out ends the
   * session.
   */
  requestTimeoutMs?: number | undefined;
}

/**
 * Connects to a target: `web`, `web:/path` (the path is ignored), `image:NAME`, `volume:NAME`,
 * `pid:123`, a parsed {@link Target}, or a path for this machine. The files of a stopped container
 * whose layers no agent can read are copied by its engine (route `copy`).
 * @throws PortholeError USAGE, TARGET, ATTACH, SESSION, CANCELLED
 */
export async function connect(target: string | Target, options: ConnectOptions = {}): Promise<Session> {
  const parsed = typeof target === "string" ? parseSessionTarget(target) : target;
  if (parsed.kind === "local") return new LocalSession();
  if (parsed.kind === "output") {
    const { OutputSession } = await import("./output-session.ts");
    return OutputSession.open(parsed.name, options.engine, signalOf(options.signal));
  }
  const { connectAgent } = await import("./connect-agent.ts");
  const { route, requestTimeoutMs, ...rest } = options;
  return connectAgent(parsed, { ...rest, route: route === "auto" ? undefined : route }, requestTimeoutMs);
}
