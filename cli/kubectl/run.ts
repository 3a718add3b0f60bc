import { PortholeError } from "../../src/errors.ts";
import type { Interrupt } from "../elsewhere/interrupt.ts";
import { complain, printable } from "../io/fail.ts";
import type { Request } from "./arguments.ts";
import { type Exec, startExec } from "./exec.ts";
import type { ExecEnd } from "./exit-line.ts";
import type { Helpers } from "./helpers.ts";
import { mergedLines } from "./merged-lines.ts";
import { lostNode, say, show } from "./output.ts";
import { checkTargets, type NodePlan, type PodLists, planNodes } from "./plan.ts";
import { addsPods, waitsForPods } from "./pod-follow.ts";

/** Maximum number of nodes on which a command runs at once. */
const AT_ONCE = 16;

/** Runs the command on its nodes and prints its output. Returns the exit status. */
export async function runOnNodes(
  request: Request,
  lists: PodLists,
  helpers: Helpers,
  interrupt: Interrupt,
): Promise<number> {
  try {
    checkTargets(request, lists);
  } catch (error) {
    if (!(error instanceof PortholeError) || !waitsForPods(request)) throw error;
    complain(printable(`${error.message}; waiting for it`));
  }
  const plans = planNodes(request, lists);
  const [only] = plans;
  const isJoining = addsPods(request);
  if (only !== undefined && plans.length === 1 && !isJoining) return await runHere(request, only, helpers, interrupt);
  if (request.command === "tail" || request.command === "head")
    return await mergedLines(request, lists, helpers, interrupt);
  return await inOrder(request, plans, helpers, interrupt);
}

async function runHere(request: Request, plan: NodePlan, helpers: Helpers, interrupt: Interrupt): Promise<number> {
  const helper = await interrupt.orEnd(helpers.on(plan.node));
  const isTerminal = [process.stdin, process.stdout, process.stderr].every(({ isTTY }) => isTTY);
  const output = isTerminal ? "terminal" : process.stdout.isTTY ? "pipe" : "inherit";
  const exec = startExec({ ...{ kubectl: request.kubectl, helper, args: plan.args, output }, said: say });
  return statusOf(plan, await awaitExec(exec, interrupt));
}

/** Starts several at once and prints their outputs one after another. */
async function inOrder(
  request: Request,
  plans: readonly NodePlan[],
  helpers: Helpers,
  interrupt: Interrupt,
): Promise<number> {
  const started: Promise<{ exec: Exec; end: Promise<ExecEnd> }>[] = [];
  const start = (plan: NodePlan) =>
    helpers.on(plan.node).then((helper) => {
      const args = withNames(request, plan.args);
      const exec = startExec({ ...{ kubectl: request.kubectl, helper, args, output: "pipe" }, said: say });
      return { exec, end: awaitExec(exec, interrupt, false) };
    });
  const statuses: number[] = [];
  for (const [index, plan] of plans.entries()) {
    while (started.length < Math.min(plans.length, index + AT_ONCE)) {
      const next = start(plans[started.length] as NodePlan);
      next.catch(() => undefined);
      started.push(next);
    }
    const { exec, end } = await interrupt.orEnd(started[index] as Promise<{ exec: Exec; end: Promise<ExecEnd> }>);
    if (exec.stdout !== null) await show(exec.stdout);
    statuses.push(statusOf(plan, await end));
  }
  return combined(request.command, statuses);
}

/** grep prints no name for a single file of a node: here are several. */
function withNames({ command }: Request, args: readonly string[]): string[] {
  const [first = "", ...rest] = args;
  return command === "grep" ? [first, "--with-filename", ...rest] : [...args];
}

/** grep: 0 if any matched and none failed. Others: the highest. */
function combined(command: string, statuses: readonly number[]): number {
  const worst = Math.max(...statuses);
  return command === "grep" && worst < 2 ? Math.min(...statuses) : worst;
}

/** Waits for the end, and passes signals on meanwhile. */
async function awaitExec(exec: Exec, interrupt: Interrupt, reads = true): Promise<ExecEnd> {
  const remove = interrupt.listen((name) => exec.signal(name));
  try {
    if (reads && exec.stdout !== null) await show(exec.stdout);
    return await exec.ended;
  } finally {
    remove();
  }
}

/** The status of a command; a connection that ended before is an error that names the node. */
function statusOf({ node }: NodePlan, { status, reason }: ExecEnd): number {
  if (status !== undefined) return status;
  throw lostNode(node, reason);
}
