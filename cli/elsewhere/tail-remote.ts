import type { SshConnection } from "../../src/elsewhere/index.ts";
import type { RemoteEngine } from "../../src/engines/index.ts";
import { PartVariable, prefixVariables } from "../io/part-of-several.ts";
import { reportUsageError } from "../tail/messages.ts";
import { type RawOptions, type TailOptions, tailOptions } from "../tail/options.ts";
import { tableOf } from "./option-table.ts";
import { argumentsThere } from "./place-of.ts";
import { resumedArguments } from "./records/resumed-arguments.ts";
import { recordRun } from "./runs.ts";
import { argumentsOf, type CommandLine, locateOperands } from "./segments.ts";
import { runPart } from "./several.ts";
import { printRecords, recordArguments } from "./tail-several.ts";

/**
 * Runs a `tail` that follows files of one remote engine, as {@link tailSeveral} does: reports a
 * lost connection, connects again and continues after the last line. Returns the exit status.
 * @param begun the first connection
 */
export async function tailRemote(
  remote: RemoteEngine,
  { command, args, version, named }: CommandLine,
  { operands, begun }: { operands: readonly string[]; begun: SshConnection | undefined },
): Promise<number> {
  const { image, label } = command.opts<{ image?: string; label?: readonly unknown[] }>();
  let options: TailOptions;
  try {
    // The command there prints the warnings.
    options = tailOptions(command.opts<RawOptions>(), () => undefined);
  } catch (error) {
    return reportUsageError("tail", error);
  }
  const hasSeveral = operands.length > 1 || label !== undefined || operands.some((text) => GLOB.test(text));
  const located = locateOperands(args, operands, "tail");
  const words = argumentsThere(argumentsOf(args, located, { engine: undefined, operands: [] }));
  const first = recordArguments(words, operands, tableOf(command));
  const needsLines = options.json || options.prefix || options.merge;
  const wire = { [PartVariable.positions]: "{}", [PartVariable.chunks]: needsLines ? "" : "1" };
  let connection = begun;
  const [status = 0] = await printRecords(options, hasSeveral, ({ own, interrupt }) => [
    {
      name: named === undefined ? `the engine at ${remote.address}` : `the engine '${named}'`,
      delimiter: options.delimiter,
      start: async (beginning) => {
        const there = beginning === undefined ? first : resumedArguments(first, beginning.options);
        const variables = { ...prefixVariables(named), ...wire, ...beginning?.variables };
        const taken = { begun: connection };
        connection = undefined;
        return recordRun(own, (streams, _, marks) =>
          runPart({ image, version }, remote, there, streams, variables, interrupt, { marks, ...taken }),
        );
      },
    },
  ]);
  return status;
}

/** A target that may match several files. */
const GLOB = /[*?[\\]/;
