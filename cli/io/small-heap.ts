import { setFlagsFromString } from "node:v8";

/**
 * Makes V8 collect garbage early. For a command that runs for long and makes garbage with each
 * line: V8 would use up to 50 MB for it. Call it when the command's code is loaded, because V8
 * rejects a code cache with other flags. The screen sets the flags in scripts/build/loader.cjs.
 */
export function keepHeapSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--heap-growing-percent=100");
}
