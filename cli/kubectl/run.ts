import type { Streams } from "../../src/elsewhere/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { type OrderedRun, printInOrder, runInPlace, statusOf } from "../elsewhere/runs.ts";
import { combinedStatus } from "../elsewhere/segments.ts";
import { complain, printable } from "../io/fail.ts";
import { PartVariable } from "../io/part-of-several.ts";
import type { Surroundings } from "./calls/surroundings.ts";
import type { Request } from "./command-line/arguments.ts";
import { copyFromPods } from "./copy-from-pods.ts";
import { mergedLines } from "./merged-lines.ts";
import { hasStarted, isReadable, missingTargets, type NodePlan, type PodLists, planNodes } from "./pods/plan.ts";
import { addsPods, isFollow, waitsForPods } from "./pods/pod-follow.ts";

/** Runs a command on its nodes and prints the output. Returns the exit status. */
export async function runOnNodes(request: Request, lists: PodLists, around: Surroundings): Promise<number> {
  if (request.command === "cp") return await copyFromPods(request, lists, around);
  const isWaiting = addsPods(request);
  for (const { error, exists } of missingTargets(request, lists, isWaiting ? hasStarted : isReadable)) {
    if (!waitsForPods(request) && !(isWaiting && exists)) throw error;
    complain(printable(`${error.message}; waiting for it`));
  }
  const plans = planNodes(request, lists);
  const [only] = plans;
  if (only !== undefined && plans.length === 1 && !isFollow(request)) return await runOnOne(only, around);
  if (request.command === "open" || request.command === "browse")
    throw new PortholeError("USAGE", `${request.command} shows pods of one node, not of ${plans.length}`, {
      hint: "name one pod, or use tail -F --merge",
    });
  if (request.command === "tail" || request.command === "head") return await mergedLines(request, lists, around);
  return await inOrder(request, plans, around);
}

async function runOnOne({ node, args }: NodePlan, { places, interrupt, own }: Surroundings): Promise<number> {
  const place = await interrupt.orEnd(places.on(node));
  return statusOf(await runInPlace(place, args, own, interrupt));
}

/** Prints the outputs of nodes one after another. */
async function inOrder(
  request: Request,
  plans: readonly NodePlan[],
  { places, interrupt, own }: Surroundings,
): Promise<number> {
  const kinds: Streams["kinds"] = ["null", own.kinds[1], own.kinds[2]];
  const runs = plans.map(({ node, args }, index): OrderedRun => {
    const environment = { ...own.environment, ...partVariables(index) };
    return async (write) => {
      const place = await interrupt.orEnd(places.on(node));
      return await runInPlace(place, args, { ...own, kinds, environment, write }, interrupt);
    };
  });
  return combinedStatus(request.command, await printInOrder(runs, own, interrupt));
}

/** Makes a command print names and titles, although its node may have only one of the files. */
function partVariables(index: number): Record<string, string> {
  return { [PartVariable.engine]: "", [PartVariable.isLater]: index > 0 ? "1" : "" };
}
