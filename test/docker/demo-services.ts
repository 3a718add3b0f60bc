import { mkdirSync, rmdirSync } from "node:fs";
import { inject } from "vitest";
import { waitFor } from "../helpers/wait-for.ts";

/**
 * Waits until no other test file runs the demo's services, because their names must be unique.
 * Returns a function that releases the next file.
 */
export async function aloneWithDemoServices(): Promise<() => void> {
  const lock = `${inject("machine").directory}/demo-services`;
  const take = () => {
    try {
      mkdirSync(lock);
      return true;
    } catch {
      return false;
    }
  };
  await waitFor("the other test of the demo's services", take, { deadline: 550_000 });
  return () => rmdirSync(lock);
}
