import { linkOwnEngine } from "../../src/elsewhere/index.ts";

/** `porthole __engine-socket`: the first step of a helper container. */
export async function engineSocket(helper: string): Promise<number> {
  await linkOwnEngine(helper);
  return 0;
}
