import type { Engine } from "../engines/engine.ts";
import { describeContainer, requireRunning } from "../engines/resolve.ts";
import {
  type ContainerDetails,
  type WatchContainersOptions,
  watchContainers as watchEngines,
} from "../engines/watch-containers.ts";
import type { AgentRoute } from "../protocol/agent-info.ts";
import { MOUNT_POINT, runDirectoryPaths } from "./run-dir.ts";
import { routeObstacle } from "./start.ts";

/** In the order in which they are tried. */
const ROUTES = ["direct", "mount", "sidecar"] as const;

/** Like watchContainers of src/engines, with the route to each running container. */
export function watchContainers({
  route = "auto",
  ...options
}: Omit<WatchContainersOptions, "describe"> & {
  /**
   * `--route`: consider this route only. With `auto` or by default, the first that is available.
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
  const container = requireRunning(await describeContainer(engine, id, MOUNT_POINT, signal));
  const run = runDirectoryPaths();
  const obstacles: string[] = [];
  const route = routes.find((candidate) => {
    const obstacle = routeObstacle(candidate, container, run, "");
    if (obstacle) obstacles.push(`${candidate}: ${obstacle.message}`);
    return obstacle === undefined;
  });
  const started = Date.parse(container.startedAt);
  return { started: started > 0 ? started : undefined, pid: container.pid, route, obstacles };
}
