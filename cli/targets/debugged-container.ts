import { readlinkSync } from "node:fs";
import { trustMountTable } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { PartVariable } from "../io/part-of-several.ts";

/**
 * Prepares for reading process 1 from an ephemeral container of its pod. Does nothing elsewhere.
 * @throws PortholeError ATTACH if process 1 is the ephemeral container's own, or may not be read
 */
export function prepareDebuggedContainer(): void {
  const { [PartVariable.name]: name, [PartVariable.mounts]: mounts } = process.env;
  if (name === undefined) return;
  if (mountNamespace("self") === firstMountNamespace(name))
    throw new PortholeError("ATTACH", `the ephemeral container does not see the processes of ${name}`, {
      hint: "its container runtime does not support kubectl debug --target; use a helper pod",
    });
  if (mounts === "runtime") trustMountTable(1);
}

function firstMountNamespace(name: string): string {
  try {
    return mountNamespace("1");
  } catch (error) {
    throw new PortholeError("ATTACH", `the ephemeral container has no access to ${name}: permission denied`, {
      hint: "its container has another user or more capabilities; try --profile general, or a helper pod",
      cause: error,
    });
  }
}

function mountNamespace(process: string): string {
  return readlinkSync(`/proc/${process}/ns/mnt`);
}
