import { constants } from "node:os";
import type { ContainerDetails, ListedContainer } from "../../../src/engines/index.ts";

/** State of a container that the engine no longer lists. */
export const REMOVED = "removed";

/** State of a container whose engine does not respond. */
export const UNREACHABLE = "unreachable";

/** A part of a state's text, and the theme part that colours it. */
export interface StateLabel {
  text: string;
  tone: "good" | "warning" | "bad" | "dim";
}

/** True if the container has a process, so that its live files can be opened. */
export function isRunning({ state }: Pick<ListedContainer, "state">): boolean {
  return state === "running" || state === "paused";
}

/** True if the container runs, or its engine is about to start it again. */
export function isLive(container: Pick<ListedContainer, "state">): boolean {
  return isRunning(container) || container.state === "restarting";
}

/**
 * Returns the state with its health, or the exit status and the reason: `exited 137`, `OOM killed`.
 */
export function stateLabels(container: Pick<ListedContainer, "state" | "status" | "details">): StateLabel[] {
  const { state, status, details } = container;
  const exitCode = details?.exitCode ?? exitCodeIn(status);
  switch (state) {
    case "running":
      return [{ text: "running", tone: "good" }, ...healthLabels(details?.health || healthIn(status))];
    case "paused":
      return [{ text: "paused", tone: "warning" }];
    case "restarting":
      return [{ text: "restarting", tone: "warning" }, ...failureLabels(exitCode, details)];
    case "exited":
    case "stopped":
      return exitCode === 0 && !details?.error ? [{ text: "exited 0", tone: "dim" }] : exitLabels(exitCode, details);
    case "created":
    case "configured":
    case "initialized":
      return details?.error ? [{ text: "could not start", tone: "bad" }] : [{ text: "created", tone: "dim" }];
    case "dead":
    case UNREACHABLE:
      return [{ text: state, tone: "bad" }];
    default:
      return [{ text: state || "unknown", tone: "dim" }];
  }
}

/**
 * Returns the start of a container's current state in milliseconds since 1970; undefined if
 * unknown.
 */
export function stateBegan(container: ListedContainer): number | undefined {
  const { details } = container;
  return isRunning(container) ? details?.started : details?.finished;
}

function healthLabels(health: string): StateLabel[] {
  if (health === "healthy") return [{ text: health, tone: "good" }];
  if (health === "unhealthy") return [{ text: health, tone: "bad" }];
  return health === "" ? [] : [{ text: health, tone: "warning" }];
}

function exitLabels(exitCode: number | undefined, details: ContainerDetails | undefined): StateLabel[] {
  if (exitCode === undefined) return [{ text: "exited", tone: "dim" }];
  const isAsked = STOPPED_BY.has(exitCode) && !details?.isOomKilled;
  return [
    { text: `exited ${exitCode}`, tone: isAsked ? "dim" : "bad" },
    ...reasonLabels(exitCode, details, isAsked ? "dim" : "bad"),
  ];
}

function failureLabels(exitCode: number | undefined, details: ContainerDetails | undefined): StateLabel[] {
  if (exitCode === undefined || exitCode === 0) return [];
  return [{ text: `exit ${exitCode}`, tone: "bad" }, ...reasonLabels(exitCode, details, "bad")];
}

function reasonLabels(exitCode: number, details: ContainerDetails | undefined, tone: StateLabel["tone"]): StateLabel[] {
  const reason = details?.isOomKilled ? "OOM killed" : (REASONS[exitCode] ?? signalName(exitCode - SIGNALLED));
  return reason === undefined ? [] : [{ text: reason, tone }];
}

/** Shells and engines add this to the number of the signal that ended a command. */
const SIGNALLED = 128;

/** The usual signals of a requested stop: SIGTERM and SIGINT. */
const STOPPED_BY: ReadonlySet<number> = new Set([
  SIGNALLED + constants.signals.SIGTERM,
  SIGNALLED + constants.signals.SIGINT,
]);

/** Exit statuses of engines and shells for a command that they could not run. */
const REASONS: Readonly<Record<number, string>> = { 126: "cannot be executed", 127: "command not found" };

function signalName(number: number): string | undefined {
  return Object.entries(constants.signals).find(([, one]) => one === number)?.[0];
}

/**
 * Parses the exit status in the engine's summary: `Exited (137) 2 days ago`, `Restarting (1) 3
 * seconds ago`.
 */
function exitCodeIn(status: string): number | undefined {
  const code = /^\w+ \((\d+)\)/.exec(status)?.[1];
  return code === undefined ? undefined : Number(code);
}

/**
 * Parses the health in the engine's summary: `Up 3 hours (healthy)`, `Up 2 seconds (health:
 * starting)`.
 */
function healthIn(status: string): string {
  return /^Up .*\((?:health: )?(healthy|unhealthy|starting)\)$/.exec(status)?.[1] ?? "";
}
