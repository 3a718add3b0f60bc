import { endWithParent } from "../../src/descriptors/index.ts";
import { PartVariable } from "../io/part-of-several.ts";

/** Ends this run with the process that has started it. Its own children do not. */
export function joinParent(): void {
  const parent = process.env[PartVariable.parent];
  delete process.env[PartVariable.parent];
  if (parent !== undefined) endWithParent(Number(parent));
}
