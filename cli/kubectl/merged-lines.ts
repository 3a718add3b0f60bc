import { followRecords } from "../elsewhere/records/follow-records.ts";
import { type LineFormat, LinePrinter } from "../elsewhere/records/line-printer.ts";
import { directOutput, MergedOutput } from "../elsewhere/records/merged-output.ts";
import type { RecordSource } from "../elsewhere/records/record-source.ts";
import { resumedArguments } from "../elsewhere/records/resumed-arguments.ts";
import { recordRun, runInPlace } from "../elsewhere/runs.ts";
import { exitStatus, report } from "../io/fail.ts";
import { PartVariable } from "../io/part-of-several.ts";
import { keepHeapSmall } from "../io/small-heap.ts";
import { isGlob } from "../targets/container-pattern.ts";
import type { Surroundings } from "./calls/surroundings.ts";
import type { Part, PodTarget, Request } from "./command-line/arguments.ts";
import { type NodePlan, type PodLists, placeName, planNodes } from "./pods/plan.ts";
import { addsPods, followPods, type StartRun } from "./pods/pod-follow.ts";

/** Output options, which the client handles itself. */
const PRINTED_HERE: ReadonlySet<string> = new Set(["json", "prefix", "quiet", "silent", "verbose", "color"]);
/** Returns the request for the nodes. Their output is records, which `--merge` orders by time. */
function wireRequest(request: Request): Request {
  const json: Part = { word: { args: ["--json"], option: "json" } };
  return { ...request, parts: [...request.parts.filter((part) => !isOption(part, PRINTED_HERE)), json] };
}

function isOption(part: Part, names: ReadonlySet<string>): boolean {
  return "word" in part && part.word.option !== undefined && names.has(part.word.option);
}

/** Returns the format that the options of tail and head select. */
export function formatOf(request: Request, isTerminal: boolean, noColour: boolean): LineFormat {
  const { parts } = request;
  const has = (...names: string[]) => parts.some((part) => isOption(part, new Set(names)));
  const color = parts
    .flatMap((part) => ("word" in part && part.word.option === "color" ? part.word.args : []))
    .join("=");
  const hasHeaders = has("verbose") || (namesSeveral(request) && !has("quiet", "silent"));
  const format = has("json") ? "json" : has("prefix") ? "prefix" : has("merge") || !hasHeaders ? "plain" : "headers";
  const colours = /always$/.test(color) || (isTerminal && !noColour && !/never$/.test(color));
  return { format, colours, isTerminal, delimiter: has("zero-terminated") ? "\0" : "\n" };
}

/** True unless the only target is one file of one pod. */
function namesSeveral({ parts, allNamespaces }: Request): boolean {
  const targets = parts.flatMap((part) => ("target" in part ? [part.target] : []));
  const isPattern = ({ pod = "*", container = "", path }: PodTarget) => [pod, container, path].some(isGlob);
  return allNamespaces || targets.length > 1 || targets.some(isPattern);
}

/**
 * Runs tail or head on nodes and prints their lines. With `--merge` they are in order of time. A
 * follow prints them as they arrive. Otherwise they come node by node. A follow reports a lost node
 * and reconnects to it, and adds pods that match later.
 */
export async function mergedLines(request: Request, lists: PodLists, around: Surroundings): Promise<number> {
  const { interrupt, own } = around;
  const write = (bytes: Buffer) => own.write(1, bytes);
  const has = (...names: string[]) => request.parts.some((part) => isOption(part, new Set(names)));
  const follows = has("f", "F", "follow");
  if (follows || has("merge")) keepHeapSmall();
  const printer = new LinePrinter(formatOf(request, process.stdout.isTTY === true, process.env.NO_COLOR !== undefined));
  const wire = wireRequest(request);
  const plans = planNodes(wire, lists);
  const output = has("merge") ? new MergedOutput(printer, write, plans.length, follows) : directOutput(printer, write);
  const run: StartRun = (plan, options) => {
    const source = nodeSource(plan, around, { ...options, delimiter: has("zero-terminated") ? 0 : 10 });
    return followRecords(source, output, { follows, interrupt, ...options });
  };
  let status: number;
  if (addsPods(request)) status = await followPods(wire, lists, run, interrupt);
  else {
    const runOne = (plan: NodePlan) =>
      run(plan, { isJoined: false, left: new AbortController().signal }).catch(reported);
    let statuses: number[] = [];
    if (follows || has("merge")) statuses = await Promise.all(plans.map(runOne));
    else for (const plan of plans) statuses.push(await runOne(plan));
    status = Math.max(...statuses);
  }
  await output.end();
  return status;
}

/** Reports a failed node in one line. The other nodes continue. */
function reported(error: unknown): number {
  report(error);
  return exitStatus(error);
}

function nodeSource(
  { node, args }: NodePlan,
  { places, interrupt, own }: Surroundings,
  { isJoined, left, delimiter }: { isJoined: boolean; left: AbortSignal; delimiter: number },
): RecordSource {
  // Reads the output of a new pod from its beginning.
  const firstArguments = isJoined ? resumedArguments(args, ["-n", "+1"]) : args;
  let isFirst = !isJoined;
  return {
    name: placeName(node),
    delimiter,
    start: async (beginning) => {
      // Finds the helpers again: the helper of a lost node may have been replaced, and a new node
      // may have a helper.
      if (!isFirst) await places.find().catch(() => undefined);
      isFirst = false;
      const place = await places.on(node);
      const resumed = beginning === undefined ? firstArguments : resumedArguments(args, beginning.options);
      const positions = { [PartVariable.positions]: "{}", ...beginning?.variables };
      return recordRun(own, (streams, _, marks) => {
        const environment = { ...streams.environment, ...positions };
        return runInPlace(place, resumed, { ...streams, environment }, interrupt, left, marks);
      });
    },
  };
}
