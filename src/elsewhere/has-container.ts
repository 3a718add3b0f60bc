import { chooseComposed, type ListByLabels } from "../engines/compose.ts";
import { decodeContainers } from "../engines/container-list.ts";
import { dockerRequest, jsonOf } from "../engines/docker-client.ts";
import { EngineError } from "../engines/engine-error.ts";
import type { RemoteEngine } from "../engines/remote-engine.ts";
import { isMissing } from "../routes/route-error.ts";
import { withEngine } from "./helpers.ts";

/**
 * True if a remote engine has a container of this name or id, or a Compose service of this name.
 * @throws PortholeError TARGET if the engine does not respond
 */
export function hasContainer(remote: RemoteEngine, name: string): Promise<boolean> {
  return withEngine(remote, async ({ engine }, signal) => {
    try {
      await dockerRequest(engine, signal, (docker) => docker.getContainer(name).inspect());
      return true;
    } catch (error) {
      if (!(error instanceof EngineError) || !isMissing(error)) throw error;
    }
    const list: ListByLabels = async (label) => {
      const options = { all: true, filters: { label: [...label] } };
      return decodeContainers(jsonOf(await dockerRequest(engine, signal, (docker) => docker.listContainers(options))));
    };
    // If several containers match, the command on that engine reports them.
    const { id, several } = await chooseComposed(name, list);
    return id !== undefined || several !== undefined;
  });
}
