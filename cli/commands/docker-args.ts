import { prepareMount } from "../../src/index.ts";

/** `porthole docker-args`: prints what `docker run` needs for the mount route. */
export async function dockerArgs(): Promise<number> {
  const { source, target } = await prepareMount();
  process.stdout.write(`--volume ${source}:${target}:ro\n`);
  return 0;
}
