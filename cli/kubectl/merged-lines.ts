import { PassThrough } from "node:stream";
import type { Interrupt } from "../elsewhere/interrupt.ts";
import { followSource } from "../elsewhere/records/follow-source.ts";
import { type LineFormat, LinePrinter } from "../elsewhere/records/line-printer.ts";
import { directOutput, MergedOutput } from "../elsewhere/records/merged-output.ts";
import type { RecordSource } from "../elsewhere/records/record-source.ts";
import { resumedWords } from "../elsewhere/records/resumed-words.ts";
import type { Part, Request } from "./arguments.ts";
import { startExec } from "./exec.ts";
import type { Helpers } from "./helpers.ts";
import { lostNode, say, write } from "./output.ts";
import type { NodePlan } from "./plan.ts";

/** Options that say how lines are printed, which is done here. */
const PRINTED_HERE: ReadonlySet<string> = new Set(["json", "prefix", "quiet", "silent", "verbose", "color"]);
/** The request as nodes get it: records, in order of their times for `--merge`. */
export function wireRequest(request: Request): Request {
  const json: Part = { word: { words: ["--json"], option: "json" } };
  return { ...request, parts: [...request.parts.filter((part) => !isOption(part, PRINTED_HERE)), json] };
}

function isOption(part: Part, names: ReadonlySet<string>): boolean {
  return "word" in part && part.word.option !== undefined && names.has(part.word.option);
}

/** The format that the options of tail and head ask for. */
export function formatOf({ parts }: Request, isTerminal: boolean, noColour: boolean): LineFormat {
  const has = (...names: string[]) => parts.some((part) => isOption(part, new Set(names)));
  const color = parts
    .flatMap((part) => ("word" in part && part.word.option === "color" ? part.word.words : []))
    .join("=");
  const format = has("json") ? "json" : has("prefix") ? "prefix" : has("quiet", "silent") ? "plain" : "headers";
  const colours = /always$/.test(color) || (isTerminal && !noColour && !/never$/.test(color));
  return { format, colours, isTerminal, delimiter: has("zero-terminated") ? "\0" : "\n" };
}

/**
 * Runs tail or head on several nodes and prints their lines: with `--merge` by time, otherwise node
 * by node, and when following as they arrive. A lost node of a follow is reported and tried again.
 */
export async function mergedLines(
  request: Request,
  plans: readonly NodePlan[],
  helpers: Helpers,
  interrupt: Interrupt,
): Promise<number> {
  const has = (...names: string[]) => request.parts.some((part) => isOption(part, new Set(names)));
  const follows = has("f", "F", "follow");
  const printer = new LinePrinter(formatOf(request, process.stdout.isTTY === true, process.env.NO_COLOR !== undefined));
  const sources = plans.map((plan) => nodeSource(plan, request.kubectl, helpers));
  const output = has("merge") ? new MergedOutput(printer, write, sources, follows) : directOutput(printer, write);
  const run = (source: RecordSource) => followSource(source, output, { follows, interrupt });
  let statuses: number[] = [];
  if (follows || has("merge")) statuses = await Promise.all(sources.map(run));
  else for (const source of sources) statuses.push(await run(source));
  await output.end();
  return Math.max(...statuses);
}

function nodeSource({ node, words }: NodePlan, kubectl: readonly string[], helpers: Helpers): RecordSource {
  return {
    name: `the node ${node}`,
    start: async (beginning) => {
      // The helper of a lost node may be another pod now.
      if (beginning !== undefined) await helpers.find().catch(() => undefined);
      const helper = await helpers.on(node);
      const resumed = beginning === undefined ? words : resumedWords(words, beginning);
      const exec = startExec({ ...{ kubectl, helper, words: resumed, output: "pipe" }, said: say });
      const ended = exec.ended.then(({ status, reason }) => {
        if (status === undefined) throw lostNode(node, reason);
        return status;
      });
      return { stdout: exec.stdout ?? new PassThrough().end(), ended, signal: (name) => exec.signal(name) };
    },
  };
}
