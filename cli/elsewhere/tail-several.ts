import type { Command } from "commander";
import { isTerminal } from "../../src/descriptors/index.ts";
import type { Streams } from "../../src/elsewhere/index.ts";
import { exitStatus, report } from "../io/fail.ts";
import type { Interrupt } from "../io/interrupt.ts";
import { PartVariable } from "../io/part-of-several.ts";
import { keepHeapSmall } from "../io/small-heap.ts";
import { printMessage } from "../tail/messages.ts";
import { type RawOptions, type TailOptions, tailOptions } from "../tail/options.ts";
import { tableOf } from "./option-table.ts";
import { followRecords } from "./records/follow-records.ts";
import { type LineFormat, LinePrinter } from "./records/line-printer.ts";
import { directOutput, MergedOutput } from "./records/merged-output.ts";
import type { RecordSource } from "./records/record-source.ts";
import { resumedArguments } from "./records/resumed-arguments.ts";
import { recordRun } from "./runs.ts";
import type { Operand, Segment } from "./segments.ts";
import { argumentsFor, partVariables, remoteOf, runHere, runPart, type SeveralLine, withInterrupt } from "./several.ts";
import { type OptionTable, splitArguments } from "./split-arguments.ts";

/** True if tail prints line by line: as lines arrive, or in order of their times. */
export function printsByLine(raw: RawOptions): boolean {
  const { follow, merge } = tailOptions(raw, () => undefined);
  return follow !== undefined || merge;
}

/**
 * Runs `tail --json` on each engine and prints the lines on this machine. With `--merge` they are
 * in order of their times, otherwise as they arrive. Reports a failed engine in one line. A follow
 * reconnects to a lost engine. Returns the highest status.
 */
export async function tailSeveral(line: SeveralLine, command: Command): Promise<number> {
  const table = tableOf(command);
  const options = tailOptions(command.opts<RawOptions>(), (text) => printMessage("tail", text));
  const statuses = await printRecords(options, true, (context) =>
    byEngine(line.segments).map((segment, index) =>
      engineSource(line, segment, index, { ...context, table, delimiter: options.delimiter }),
    ),
  );
  return Math.max(line.failed, ...statuses);
}

/** What a source of records needs from this process. */
export interface SourceContext {
  own: Streams;
  interrupt: Interrupt;
}

/**
 * Prints the records of places as the options of tail request. Returns the statuses of the places.
 * @param hasHeaders true if a header precedes the lines of each file by default
 */
export async function printRecords(
  options: TailOptions,
  hasHeaders: boolean,
  sourcesOf: (context: SourceContext) => readonly RecordSource[],
): Promise<number[]> {
  const follows = options.follow !== undefined;
  keepHeapSmall();
  let statuses: number[] = [];
  await withInterrupt(async (own, interrupt) => {
    const printer = new LinePrinter(formatOf(options, hasHeaders));
    const write = (bytes: Buffer) => own.write(1, bytes);
    const sources = sourcesOf({ own, interrupt });
    const output = options.merge
      ? new MergedOutput(printer, write, sources.length, follows)
      : directOutput(printer, write);
    statuses = await Promise.all(
      sources.map((source) =>
        followRecords(source, output, { follows, interrupt }).catch((error: unknown) => {
          if (interrupt.received === undefined) report(error);
          return exitStatus(error);
        }),
      ),
    );
    await output.end();
    return 0;
  });
  return statuses;
}

function formatOf({ json, prefix, merge, headers, delimiter, color }: TailOptions, hasHeaders: boolean): LineFormat {
  const isOnTerminal = isTerminal(1);
  const isPlain = merge || headers === "never" || (headers === "several" && !hasHeaders);
  return {
    format: json ? "json" : prefix ? "prefix" : isPlain ? "plain" : "headers",
    delimiter: String.fromCharCode(delimiter),
    colours: color === "always" || (color === "auto" && isOnTerminal && process.env.NO_COLOR === undefined),
    isTerminal: isOnTerminal,
  };
}

/** Groups the operands, so that each engine has one run. */
export function byEngine(segments: readonly Segment[]): Segment[] {
  const byName = new Map<string | undefined, Operand[]>();
  for (const { engine, operands } of segments) byName.set(engine, [...(byName.get(engine) ?? []), ...operands]);
  return [...byName].map(([engine, operands]) => ({ engine, operands }));
}

function engineSource(
  line: SeveralLine,
  segment: Segment,
  index: number,
  { own, interrupt, table, delimiter }: SourceContext & { table: OptionTable; delimiter: number },
): RecordSource {
  const engine = segment.engine ?? line.engine;
  const first = { ...partVariables(segment, index), [PartVariable.positions]: "{}" };
  return {
    name: engine === undefined || engine === "" ? "this machine" : `the engine '${engine}'`,
    delimiter,
    start: async (beginning) => {
      const remote = await remoteOf(line, segment);
      const texts = segment.operands.map(({ text }) => text);
      const args = recordArguments(argumentsFor(line, { ...segment, operands: [] }, remote), texts, table);
      const resumed = beginning === undefined ? args : resumedArguments(args, beginning.options);
      const variables = { ...first, ...beginning?.variables };
      return recordRun(own, (streams, output, marks) =>
        remote === undefined
          ? runHere(resumed, variables, interrupt, { output, marks })
          : runPart(line, remote, resumed, streams, variables, interrupt, { marks }),
      );
    },
  };
}

/** The arguments of a run that writes records: options first, then operands. */
export function recordArguments(
  [name = "", ...options]: readonly string[],
  operands: readonly string[],
  table: OptionTable,
): string[] {
  const kept = splitArguments(options, table, () => false).filter(
    ({ option }) => option !== undefined && option !== "json" && option !== "prefix" && option !== "color",
  );
  return [name, "--json", ...kept.flatMap(({ args }) => args), "--", ...operands];
}
