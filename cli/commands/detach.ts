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
  if (name !== undefined) {
    await detachAgents(name, { engine: options.engine });
    return 0;
  }
  const failures = await detachAll({ engine: options.engine });
  for (const failure of failures) report(failure);
  return failures.length === 0 ? 0 : 1;
}
