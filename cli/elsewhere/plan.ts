import type { Command } from "commander";
import { hasContainer } from "../../src/elsewhere/index.ts";
import { engineElsewhere, inspectContainer, listedEngines, remoteContexts } from "../../src/engines/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { parseSessionTarget } from "../../src/target.ts";
import { exitStatus, report } from "../io/fail.ts";
import { type Label, parseSessionPattern } from "../targets/container-pattern.ts";
import { isOfThisMachine, operandsOf } from "./operands.ts";
import { type CommandLine, HERE, locateOperands, type Operand, segmentsOf } from "./segments.ts";
import type { SeveralLine } from "./several.ts";

/** The value of `--engine` for all local engines. */
const ALL = "all";

/**
 * Divides a command line whose operands may belong to several engines into runs.
 * @throws PortholeError USAGE
 */
export async function planOf({ command, args, version }: CommandLine): Promise<SeveralLine> {
  const name = command.name();
  const { engine, image } = command.opts<{ engine?: string; image?: string }>();
  const located = locateOperands(args, operandsOf(command, args), name);
  const operands = located.map((operand) =>
    operand.engine === undefined && (operand.text === "-" || isOfThisMachine(operand.text, name))
      ? { ...operand, engine: HERE }
      : operand,
  );
  const line = { name, args, operands, engine, image, version };
  if (engine !== ALL) return { ...line, segments: segmentsOf(operands), failed: 0 };
  const names = remoteContexts();
  const everywhere = [...(names.length > 0 && listedEngines(ALL).length === 0 ? [] : [ALL]), ...names];
  if (operands.length === 0 && !listsEverything(command)) return { ...line, segments: [], failed: 0 };
  if (operands.length === 0)
    return { ...line, segments: everywhere.map((each) => ({ engine: each, operands: [] })), failed: 0 };
  const spread: Operand[] = [];
  let failed = 0;
  /** Engines that did not respond. They are reported once. */
  const silent = new Set<string>();
  const onFailure = (engine: string, error: unknown) => {
    silent.add(engine);
    report(error);
    failed = Math.max(failed, exitStatus(error));
  };
  for (const operand of operands) {
    const container = operand.engine === undefined ? containerOf(operand.text, command) : undefined;
    if (operand.engine !== undefined) spread.push(operand);
    else if (container === undefined) spread.push(...everywhere.map((each) => ({ ...operand, engine: each })));
    else spread.push({ ...operand, engine: await engineWith(container, everywhere, silent, onFailure) });
  }
  return { ...line, segments: segmentsOf(spread), failed };
}

/** True if the command lists all containers when it has no operand. */
function listsEverything(command: Command): boolean {
  const { disk, label } = command.opts<{ disk?: boolean; label?: readonly Label[] }>();
  return command.name() === "ps" && (disk === true || label !== undefined);
}

/**
 * The container of a target. Undefined for a pattern, image or volume, which can exist in every
 * engine.
 */
function containerOf(text: string, command: Command): string | undefined {
  const { label } = command.opts<{ label?: readonly Label[] }>();
  if (parseSessionPattern(text, label ?? []) !== undefined) return undefined;
  const target = parseSessionTarget(text);
  return target.kind === "container" || target.kind === "output" ? target.name : undefined;
}

/**
 * Finds the engine that has a container, as a value of `--engine`. Falls back to the first engine
 * if no engine has it: the run there reports it.
 * @param engines the remote contexts, after the local engines if there are any
 * @throws PortholeError USAGE if several engines have it
 */
async function engineWith(
  container: string,
  engines: readonly string[],
  silent: ReadonlySet<string>,
  failed: (engine: string, error: unknown) => void,
): Promise<string> {
  const asked = engines.map(async (name) => {
    if (silent.has(name)) return undefined;
    if (name === ALL) return isLocal(container);
    const remote = await engineElsewhere(name);
    return remote !== undefined && (await hasContainer(remote, container)) ? name : undefined;
  });
  const answers = await Promise.allSettled(asked);
  for (const [index, answer] of answers.entries())
    if (answer.status === "rejected") failed(engines[index] ?? "", answer.reason);
  const found = answers.flatMap((answer) => (answer.status === "fulfilled" ? (answer.value ?? []) : []));
  const [first = engines.find((name) => !silent.has(name)) ?? engines[0] ?? ALL, second] = found;
  if (second === undefined) return first;
  throw new PortholeError("USAGE", `'${container}' exists in several engines: ${found.join(", ")}`, {
    hint: `name the engine, for example '${second}!${container}:/path'`,
  });
}

/**
 * Ignores a failed query: if no other engine has the container, the run on the local engines
 * reports it.
 */
function isLocal(container: string): Promise<string | undefined> {
  return inspectContainer(container, ALL).then(
    () => ALL,
    () => undefined,
  );
}
