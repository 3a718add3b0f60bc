import { PortholeError } from "../../src/errors.ts";
import { Interrupt } from "../io/interrupt.ts";
import { prefixVariables } from "../io/part-of-several.ts";
import { planOf } from "./plan.ts";
import { argumentsOf, type CommandLine, HERE } from "./segments.ts";
import { send } from "./send.ts";
import { argumentsFor, remoteOf, runHere, runInOrder, type SeveralLine } from "./several.ts";
import { endAs } from "./streams.ts";

/** Commands whose outputs can be printed one after another. */
const IN_ORDER = new Set("cat head tail ls stat find grep hexdump ps".split(" "));

/**
 * Runs a command whose operands name engines, or a command for all engines. Returns the exit
 * status; undefined if the command runs in this process.
 * @throws PortholeError USAGE, TARGET, ATTACH, SESSION
 */
export async function spread(line: CommandLine): Promise<number | undefined> {
  const plan = withoutDestination(await planOf(line));
  const [first, ...others] = plan.segments;
  if (first === undefined) return undefined;
  if (others.length === 0 && plan.failed === 0) return onOne(line, plan);
  if (!IN_ORDER.has(plan.name))
    throw new PortholeError("USAGE", `${plan.name} takes targets of one engine`, {
      hint: "run it once for each engine",
    });
  if (plan.name === "tail") {
    const { printsByLine, tailSeveral } = await import("./tail-several.ts");
    if (printsByLine(line.command.opts())) return tailSeveral(plan, line.command);
  }
  return runInOrder(plan);
}

/** Removes the local destination of `cp` from the operands: every run gets it. */
function withoutDestination(plan: SeveralLine): SeveralLine {
  const last = plan.segments.at(-1);
  if (plan.name !== "cp" || last?.engine !== HERE || plan.segments.length === 1) return plan;
  const destination = last.operands.at(-1);
  const others = plan.segments.slice(0, -1);
  // The command also has local sources before the destination.
  if (last.operands.length > 1 || destination === undefined) return plan;
  const withIt = others.map((segment) => ({ ...segment, operands: [...segment.operands, destination] }));
  return { ...plan, segments: withIt };
}

async function onOne({ command, version }: CommandLine, plan: SeveralLine): Promise<number | undefined> {
  const [segment] = plan.segments;
  if (segment === undefined) return undefined;
  const remote = await remoteOf(plan, segment);
  const named = plan.operands.find(({ engine }) => engine === segment.engine)?.engine;
  if (remote === undefined) {
    // No change is needed: the operands are of this machine, name no engine, or all local engines.
    if (segment.engine === undefined || segment.engine === HERE || segment.engine === "all") return undefined;
    return endAs(await runHere(argumentsFor(plan, segment, undefined), prefixVariables(named), new Interrupt()));
  }
  const texts = new Map(plan.operands.map(({ index, text }) => [plan.args[index], text]));
  command.args = command.args.map((word) => texts.get(word) ?? word);
  return send(remote, { command, args: argumentsOf(plan.args, plan.operands, segment), version, named });
}
