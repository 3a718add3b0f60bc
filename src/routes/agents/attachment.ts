import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import type { LateSignal } from "../../descriptors/poll.ts";
import type { RunningContainer } from "../../engines/containers/container-state.ts";
import type { AgentRoute } from "../../protocol/agent-info.ts";
import type { RunDirectory } from "../run-directory/run-dir.ts";

/** Options for connecting to a target. A live agent of a fast engine does not need the signal. */
export interface AttachOptions extends Omit<StartOptions, "signal"> {
  signal?: LateSignal | undefined;
}

/** Options for starting an agent. */
export interface StartOptions {
  /** Address of the engine. Default: DOCKER_HOST, docker's context, or the default sockets. */
  engine?: string | undefined;
  /**
   * Uses this route only. By default, uses a live agent, else the first of direct, mount and
   * sidecar that works.
   */
  route?: AgentRoute | undefined;
  /** Starts an agent on these routes only. A live agent is used on any route. */
  startOn?: readonly AgentRoute[] | undefined;
  /** User of the mount route (`docker exec --user`); root by default. */
  user?: string | undefined;
  /** Refuses a stopped container instead of reading its layers. */
  runningOnly?: boolean | undefined;
  /** Seconds without a client after which the agent ends; 60 by default. */
  idleSeconds?: number | undefined;
  /** Maximum milliseconds to start an agent; 15,000 by default. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** A connection to an agent that serves the target. */
export interface Attachment {
  /** The caller owns it. */
  socket: OwnedFd;
  run: RunDirectory;
  /** Name of the agent's files in the run directory. */
  file: string;
  /** The socket's identity before the connection: `socketIdentity` in registry.ts. */
  socketSeen: string;
  /** True if the agent was started for this call. */
  fresh: boolean;
  /** Why this process polls for changes of a stopped container: the engine reports no events. */
  noEvents?: string | undefined;
  /** The container as its engine just described it; undefined if it was not asked. */
  container?: RunningContainer;
}

/** Default of {@link AttachOptions.timeoutMs}. */
export const ATTACH_TIMEOUT_MS = 15_000;
