import type { OwnedFd } from "../descriptors/owned-fd.ts";
import type { AgentRoute } from "../protocol/agent-info.ts";
import type { RunDirectory } from "./run-dir.ts";

/** How to get to a target. */
export interface AttachOptions {
  /** Address of the engine; without it DOCKER_HOST, docker's context and the default sockets. */
  engine?: string | undefined;
  /** One route only. Without it: a live agent, else direct, mount, sidecar, whichever is the first that goes. */
  route?: AgentRoute | undefined;
  /** Routes on which an agent may be started, where not all; a live one is taken on any route. */
  startOn?: readonly AgentRoute[] | undefined;
  /** User for the mount route (`docker exec --user`); root by default. */
  user?: string | undefined;
  /** Refuse a container that does not run, whose layers would be read otherwise. */
  runningOnly?: boolean | undefined;
  /** Seconds without a client after which the agent ends; 60 by default. */
  idleSeconds?: number | undefined;
  /** Milliseconds for starting an agent; 15,000 by default. */
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
  /** What `socketIdentity` in registry.ts said of its socket before we connected. */
  socketSeen: string;
  /** True when the agent was started for this call. */
  fresh: boolean;
}

/** Milliseconds for starting an agent. */
export const ATTACH_TIMEOUT_MS = 15_000;
