import { realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { spawnChild } from "../../src/descriptors/index.ts";
import { drained, type Streams } from "../../src/elsewhere/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { frame, number } from "../cp/copy-frames.ts";
import { runInPlace, statusOf } from "../elsewhere/runs.ts";
import { exitStatus, report } from "../io/fail.ts";
import type { Surroundings } from "./calls/surroundings.ts";
import type { Part, Request } from "./command-line/arguments.ts";
import { checkTargets, type NodePlan, type PodLists, placeName, planNodes } from "./pods/plan.ts";

/**
 * `cp`: copies files of pods to this machine, node by node. porthole on the node sends them, and
 * `porthole __received` of this installation creates them. Returns the highest status.
 */
export async function copyFromPods(request: Request, lists: PodLists, around: Surroundings): Promise<number> {
  const destination = destinationOf(request);
  const isDirectory = statSync(destination, { throwIfNoEntry: false })?.isDirectory() === true;
  const sources = { ...request, command: "__copies", parts: request.parts.filter((part) => !isOperand(part)) };
  checkTargets(sources, lists);
  const plans = planNodes(sources, lists);
  if (plans.length > 1 && !isDirectory)
    throw new PortholeError("USAGE", `cannot copy several sources to '${destination}': it is not a directory`, {
      hint: "make it with mkdir, or name one source",
    });
  const has = (option: string) => request.parts.some((part) => "word" in part && part.word.option === option);
  const taken = new Map<string, string>();
  let status = 0;
  for (const { node, args } of plans) {
    const plan = { node, args: args.toSpliced(1, 0, ...(isDirectory ? [] : ["--one"])) };
    // With --parents, each copy has its own path.
    const isShared = plans.length > 1 && !has("parents");
    const place = isShared ? ["--place", placeName(node)] : [];
    const receiver = [...(has("force") ? ["--force"] : []), ...place, "--", destination];
    const one = await copyFromNode(plan, receiver, isShared ? taken : new Map(), around).catch((error: unknown) => {
      if (around.interrupt.received === undefined) report(error);
      return exitStatus(error);
    });
    status = Math.max(status, one);
    if (around.interrupt.received !== undefined) break;
  }
  return status;
}

function destinationOf({ parts }: Request): string {
  const words = parts.flatMap((part) => (isOperand(part) && "word" in part ? part.word.args : []));
  const [destination = ""] = words;
  if (/^[A-Za-z0-9][^/:]*(?:\/[^/:]+){0,2}:[/@]/.test(destination))
    throw new PortholeError("USAGE", `cannot copy to ${destination}: kubectl porthole only reads in pods`, {
      hint: `kubectl cp FILE ${destination} writes, if the image has tar`,
    });
  if (parts.some((part) => "word" in part && part.word.option === "rw"))
    throw new PortholeError("USAGE", "cp: --rw is not available for pods", {
      hint: "use porthole cp --rw on the node",
    });
  return destination;
}

function isOperand(part: Part): boolean {
  return "word" in part && part.word.option === undefined;
}

/**
 * Copies the files of a node.
 * @param taken names of the copies from earlier nodes, in base64, with their nodes: adds those of
 *   this one
 */
async function copyFromNode(
  { node, args }: Pick<NodePlan, "node" | "args">,
  receiver: readonly string[],
  taken: Map<string, string>,
  { places, interrupt, own }: Surroundings,
): Promise<number> {
  const place = await interrupt.orEnd(places.on(node));
  const porthole = join(dirname(realpathSync(process.argv[1] ?? "")), "porthole.js");
  // In its own session: it must outlive Ctrl-C to remove an incomplete file.
  const child = spawnChild(process.execPath, [porthole, "__received", ...receiver], {
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
  const left = new AbortController();
  const { stdin } = child;
  stdin?.on("error", () => left.abort());
  for (const [name, place] of taken) stdin?.write(takenFrame(Buffer.from(name, "base64"), place));
  let names = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    names += text;
  });
  const ended = new Promise<number>((resolve) => {
    child.once("error", () => resolve(1));
    child.once("close", (code) => {
      left.abort();
      resolve(code ?? 1);
    });
  });
  const streams: Streams = {
    ...own,
    kinds: ["null", "pipe", own.kinds[2]],
    write: async (fd, bytes) => {
      if (fd === 2) return own.write(2, bytes);
      if (stdin === null || stdin.destroyed || stdin.write(bytes)) return;
      await drained(stdin);
    },
  };
  try {
    const there = statusOf(await runInPlace(place, args, streams, interrupt, left.signal));
    stdin?.end();
    // A command that was ended because nothing receives its files has no status of its own.
    return left.signal.aborted ? await ended : Math.max(there, await ended);
  } finally {
    stdin?.end();
    await ended;
    for (const name of names.split("\n")) if (name !== "") taken.set(name, placeName(node));
  }
}

function takenFrame(name: Buffer, place: string): Buffer {
  return frame("n", number(name.length, 2), name, Buffer.from(place));
}
