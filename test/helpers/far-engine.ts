import { inject } from "vitest";
import { type Engine, engineAt } from "./engine.ts";
import { type FarDocker, startFarDocker } from "./far-docker.ts";

/** An engine that runs on another machine. */
export interface FarEngine extends Pick<FarDocker, "enter" | "stop" | "restart"> {
  far: Engine;
}

/** Starts a Docker engine in its own namespaces, with its files in the run's directory. */
export async function startFarEngine(): Promise<FarEngine> {
  const { socket, ...rest } = await startFarDocker(inject("machine").directory);
  return { far: engineAt("docker", socket), ...rest };
}
