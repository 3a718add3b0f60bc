import { setTimeout as delay } from "node:timers/promises";
import { type LateSignal, signalOf } from "../../descriptors/poll.ts";
import { attachInterrupted, PortholeError } from "../../errors.ts";
import { FullAgentError, OtherVersionError } from "../../protocol/agent-info.ts";
import { VERSION } from "../../protocol/messages.ts";
import { ATTACH_TIMEOUT_MS, type Attachment, type AttachOptions } from "../../routes/agents/attachment.ts";
import { removeDeadAgent, setAgentAside } from "../../routes/agents/registry.ts";
import { attachContainer, attachImage, attachProcess, attachVolume } from "../../routes/attach.ts";
import { type Target, targetName } from "../../target.ts";
import type { Session } from "../interface/session.ts";
import { AgentClient } from "./agent-client.ts";
import { AgentSession } from "./agent-session.ts";

const REQUEST_TIMEOUT_MS = 10_000;

/**
 * Connects to a live agent of the target, or starts one. Tries again while the agent has no room.
 * @throws PortholeError TARGET, ATTACH, SESSION, CANCELLED
 */
export async function connectAgent(
  target: AgentsTarget,
  options: AttachOptions,
  requestTimeoutMs?: number,
): Promise<Session> {
  const name = targetName(target);
  const deadline = performance.now() + (options.timeoutMs ?? ATTACH_TIMEOUT_MS);
  for (;;) {
    try {
      return await connectOnce(target, name, options, requestTimeoutMs);
    } catch (error) {
      if (!(error instanceof FullAgentError)) throw error;
      if (performance.now() >= deadline) throw fullError(name, error);
    }
    await delay(RETRY_MS, undefined, { signal: signalOf(options.signal) }).catch((error) => {
      throw attachInterrupted(error);
    });
  }
}

/** Pause before the next attempt with an agent that has no room. It held the last one for 3 s. */
const RETRY_MS = 100;

async function connectOnce(
  target: AgentsTarget,
  name: string,
  options: AttachOptions,
  requestTimeoutMs: number | undefined,
): Promise<Session> {
  // A live agent may be about to end (idle, container gone) or may have another version. In these
  // cases starts a new agent, once.
  for (let attempt = 0; ; attempt++) {
    let attached: Attachment;
    try {
      attached = await attach(target, options);
    } catch (error) {
      if (error instanceof FullAgentError) throw error;
      const isAnyRoute = options.route === undefined && options.startOn === undefined;
      if (!isAnyRoute || !(error instanceof PortholeError) || error.code !== "ATTACH") throw error;
      const { openCopy } = await import("../copies/copy-session.ts");
      return openCopy(name, error, signalOf(options.signal));
    }
    try {
      return await connectTo(name, attached, requestTimeoutMs, options.signal);
    } catch (error) {
      if (error instanceof FullAgentError || attached.fresh || attempt > 0) throw error;
      if (error instanceof PortholeError && error.code === "CANCELLED") throw error;
      await makeWay(attached, error);
    }
  }
}

/** Removes an agent that did not open a session, so that a new one can start. */
async function makeWay(attached: Attachment, error: unknown): Promise<void> {
  const { run, file, socketSeen } = attached;
  if (error instanceof OtherVersionError) {
    const { replaceAgent } = await import("./any-version.ts");
    await replaceAgent(attached, error);
  }
  // An agent that does not respond may still serve others. `porthole detach` can end it.
  if (error instanceof PortholeError && error.errno === "ETIMEDOUT")
    await setAgentAside(run, file, VERSION, socketSeen);
  // Another process may already have replaced the same agent.
  await removeDeadAgent(run, file, socketSeen);
}

function fullError(name: string, { message, errno, hint }: FullAgentError): PortholeError {
  return new PortholeError("ATTACH", `cannot attach to '${name}': ${message}`, { errno, hint });
}

type AgentsTarget = Exclude<Target, { kind: "local" | "output" }>;

function attach(target: AgentsTarget, options: AttachOptions): Promise<Attachment> {
  switch (target.kind) {
    case "process":
      return attachProcess(target.pid, options);
    case "container":
      return attachContainer(target.name, options);
    case "image":
      return attachImage(target.name, options);
    case "volume":
      return attachVolume(target.name, options);
  }
}

/**
 * Opens a session with an agent and takes ownership of the socket in `attached`.
 * @throws PortholeError ATTACH for an agent of another version or without room; SESSION if it does
 * not reply; CANCELLED
 */
export async function connectTo(
  name: string,
  attached: Attachment,
  requestTimeoutMs = REQUEST_TIMEOUT_MS,
  signal?: LateSignal,
): Promise<Session> {
  // A command handles its signals only when it must, so a live agent does not need the function.
  const client = await AgentClient.open(
    attached.socket,
    VERSION,
    name,
    typeof signal === "function" ? undefined : signal,
  );
  return new AgentSession(name, client, attached, requestTimeoutMs);
}
