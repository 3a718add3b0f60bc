import { linkOwnEngine } from "../../src/elsewhere/index.ts";

/** `porthole __engine-socket`: what a helper container does first. */
export async function engineSocket(helper: string): Promise<number> {
  await linkOwnEngine(helper);
  return 0;
}
