import { dockerRequest } from "../engines/docker-client.ts";
import { EngineError } from "../engines/engine-error.ts";
import type { RemoteEngine } from "../engines/remote-engine.ts";
import { isMissing } from "../routes/route-error.ts";
import { withEngine } from "./helpers.ts";

/**
 * True if a remote engine has a container of this name or id.
 * @throws PortholeError TARGET if the engine does not respond
 */
export function hasContainer(remote: RemoteEngine, name: string): Promise<boolean> {
  return withEngine(remote, async ({ engine }, signal) => {
    try {
      await dockerRequest(engine, signal, (docker) => docker.getContainer(name).inspect());
      return true;
    } catch (error) {
      if (error instanceof EngineError && isMissing(error)) return false;
      throw error;
    }
  });
}
