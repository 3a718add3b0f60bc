import { prepareMount } from "../../src/sessions/index.ts";
import { write } from "../io/output.ts";

/** `porthole docker-args`: prints the arguments of `docker run` for the mount route. */
export async function dockerArgs(): Promise<number> {
  const { source, target } = await prepareMount();
  write(`--volume ${source}:${target}:ro\n`);
  return 0;
}
