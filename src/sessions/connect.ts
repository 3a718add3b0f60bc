import { requireMainThread, signalOf } from "../descriptors/poll.ts";
import { attachInterrupted, PortholeError } from "../errors.ts";
import type { AgentRoute } from "../protocol/agent-info.ts";
import type { AttachOptions } from "../routes/agents/attachment.ts";
import { parseSessionTarget, type Target } from "../target.ts";
import type { Session } from "./interface/session.ts";
import { LocalSession } from "./local/local-session.ts";

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
  requireMainThread();
  checkOptions(options);
  const parsed = typeof target === "string" ? parseSessionTarget(target) : target;
  if (parsed.kind === "local") return new LocalSession();
  if (parsed.kind === "output") {
    const { OutputSession } = await import("./output/output-session.ts");
    return OutputSession.open(parsed.name, options.engine, signalOf(options.signal));
  }
  const { connectAgent } = await import("./agent/connect-agent.ts");
  const { route, requestTimeoutMs, ...rest } = options;
  return connectAgent(parsed, { ...rest, route: route === "auto" ? undefined : route }, requestTimeoutMs);
}

function checkOptions(options: ConnectOptions): void {
  const { route, signal } = options;
  if (route !== undefined && !ROUTES.includes(route))
    throw new PortholeError("USAGE", `unknown route '${route}'`, { hint: `one of ${ROUTES.join(", ")}` });
  const { idleSeconds } = options;
  if (
    idleSeconds !== undefined &&
    !(Number.isInteger(idleSeconds) && idleSeconds > 0 && idleSeconds <= MAX_IDLE_SECONDS)
  )
    throw new PortholeError(
      "USAGE",
      `idleSeconds must be an integer from 1 to ${MAX_IDLE_SECONDS}, not ${idleSeconds}`,
    );
  for (const name of ["timeoutMs", "requestTimeoutMs"] as const) {
    const value = options[name];
    if (value !== undefined && !(value > 0 && value <= MAX_TIMEOUT_MS))
      throw new PortholeError("USAGE", `${name} must be above 0 and at most ${MAX_TIMEOUT_MS}, not ${value}`);
  }
  // A function is a signal that is made when something waits.
  if (typeof signal === "object" && signal.aborted) throw attachInterrupted(signal.reason);
}

const ROUTES: readonly unknown[] = ["auto", "direct", "mount", "sidecar"];

/** The agent's limit: one week. */
const MAX_IDLE_SECONDS = 604_800;

/** The longest time that Node's timers accept. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
