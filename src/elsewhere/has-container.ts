import { dockerRequest, jsonOf } from "../engines/api/docker-client.ts";
import { EngineError } from "../engines/api/engine-error.ts";
import type { RemoteEngine } from "../engines/api/remote-engine.ts";
import { chooseComposed, type ListByLabels } from "../engines/containers/compose.ts";
import { decodeContainers } from "../engines/containers/container-list.ts";
import { isMissing } from "../routes/agents/route-error.ts";
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
