import { inject } from "vitest";
import { type Engine, engineAt } from "./engine.ts";
import { type FarDaemon, startFarDaemon } from "./far-daemon.ts";
import { variants } from "./variants.ts";

/** An engine that runs on another machine. */
export interface FarEngine extends Pick<FarDaemon, "enter" | "stop" | "restart"> {
  far: Engine;
}

/** Starts the engine under test in its own namespaces, with its files in the run's directory. */
export async function startFarEngine(): Promise<FarEngine> {
  const { directory, variant } = inject("machine");
  const { socket, ...rest } = await startFarDaemon(directory, variants.find(({ name }) => name === variant)?.far);
  return { far: engineAt("docker", socket), ...rest };
}
