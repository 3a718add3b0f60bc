import type { Engine } from "../engines/api/engine.ts";
import { inspectId, type RunningContainer, requireRunning, stateOf } from "../engines/lookup/resolve.ts";
import {
  type ContainerDetails,
  type WatchContainersOptions,
  watchContainers as watchEngines,
} from "../engines/lookup/watch-containers.ts";
import type { AgentRoute } from "../protocol/agent-info.ts";
import { MOUNT_POINT, runDirectoryPaths } from "./run-directory/run-dir.ts";
import { routeObstacle } from "./start/start.ts";

/** The routes, in the order in which they are tried. */
const ROUTES = ["direct", "mount", "sidecar"] as const;

/** Like watchContainers of src/engines, but adds the route to each running container. */
export function watchContainers({
  route = "auto",
  ...options
}: Omit<WatchContainersOptions, "describe"> & {
  /**
   * `--route`: considers this route only. With `auto` or by default, uses the first available
   * route.
   */
  route?: AgentRoute | "auto" | undefined;
}): Promise<void> {
  const routes = route === "auto" ? ROUTES : [route];
  return watchEngines({ ...options, describe: (engine, id, signal) => describe(engine, id, routes, signal) });
}

async function describe(
  engine: Engine,
  id: string,
  routes: readonly AgentRoute[],
  signal: AbortSignal,
): Promise<ContainerDetails> {
  if (engine.isCri) {
    const { podDetails } = await import("../engines/cri/resolve-pod.ts");
    const { details, state } = await podDetails(engine, id, MOUNT_POINT, signal);
    return { ...details, ...routeTo(state.running, routes) };
  }
  const inspection = await inspectId(engine, id, signal);
  const { exitCode, isOomKilled, error, health, restarts, mounts } = inspection;
  const state = { exitCode, isOomKilled, error, health, restarts, mounts };
  const started = timeOf(inspection.startedAt);
  const finished = timeOf(inspection.finishedAt);
  if (!(inspection.isRunning || inspection.isPaused) || inspection.isRestarting)
    return { ...state, started, finished, pid: 0, route: undefined, obstacles: [] };
  const container = requireRunning(stateOf(engine, inspection, id, MOUNT_POINT));
  return { ...state, started, finished, ...routeTo(container, routes) };
}

function routeTo(
  container: RunningContainer | undefined,
  routes: readonly AgentRoute[],
): Pick<ContainerDetails, "pid" | "route" | "obstacles"> {
  if (container === undefined) return { pid: 0, route: undefined, obstacles: [] };
  const run = runDirectoryPaths();
  const obstacles: string[] = [];
  const route = routes.find((candidate) => {
    const obstacle = routeObstacle(candidate, container, run, "");
    if (obstacle) obstacles.push(`${candidate}: ${obstacle.message}`);
    return obstacle === undefined;
  });
  return { pid: container.pid, route, obstacles };
}

/** Engines report the year 1 for events that have not happened. */
function timeOf(text: string): number | undefined {
  const time = Date.parse(text);
  return time > 0 ? time : undefined;
}
