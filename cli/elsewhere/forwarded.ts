import { engineElsewhere, type RemoteEngine } from "../../src/engines/index.ts";
import { hasAgentsOf } from "../../src/routes/index.ts";

/**
 * Returns the engine of a command if its socket on this machine leads to another kernel.
 * @throws PortholeError USAGE, TARGET for an invalid address or an unknown context
 */
export function forwardedEngine(engine: string | undefined): Promise<RemoteEngine | undefined> {
  // With a running agent, a command connects only to that agent.
  return engineElsewhere(engine, process.env, hasAgentsOf);
}
