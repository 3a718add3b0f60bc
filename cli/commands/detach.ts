import { recordedEngines, removeHelpers } from "../../src/elsewhere/index.ts";
import { engineElsewhere, remoteEngine } from "../../src/engines/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { detachAgents, detachAll } from "../../src/sessions/index.ts";
import { report } from "../io/fail.ts";

/** `porthole detach`: stops agents. Prints nothing on success, like rm(1). */
export async function detach(name: string | undefined, options: { all?: boolean; engine?: string }): Promise<number> {
  if ((name === undefined) === (options.all !== true)) {
    throw new PortholeError("USAGE", "detach needs either a name or --all", {
      hint: "porthole agents lists the names",
    });
  }
  const helpers = recordedEngines();
  if (name !== undefined) {
    const helper = helpers.find(({ address }) => address === name || address === addressOf(name));
    if (helper !== undefined) await removeHelpers(helper);
    else await detachAgents(name, { engine: options.engine });
    return 0;
  }
  const remote = await engineElsewhere(options.engine).catch(() => undefined);
  const failures = await detachAll({ engine: remote === undefined ? options.engine : undefined });
  for (const each of helpers.filter(({ address }) => remote === undefined || remote.address === address))
    await removeHelpers(each, { images: true }).catch((error) => failures.push(error));
  for (const failure of failures) report(failure);
  return failures.length === 0 ? 0 : 1;
}

/** The address of a docker context on another machine; undefined for any other name. */
function addressOf(name: string): string | undefined {
  try {
    return remoteEngine(name)?.address;
  } catch {
    return undefined;
  }
}
