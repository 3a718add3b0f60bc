import { setTimeout as sleep } from "node:timers/promises";
import { PortholeError } from "../../../src/errors.ts";
import { complain, exitStatus, printable, report } from "../../io/fail.ts";
import type { Interrupt } from "../../io/interrupt.ts";
import { isGlob } from "../../targets/container-pattern.ts";
import type { Request } from "../command-line/arguments.ts";
import {
  hasStarted,
  isWanted,
  missingTargets,
  type NodePlan,
  type PodLists,
  type PodRow,
  placeName,
  planNodes,
  queries,
} from "./plan.ts";
import { requestPods, watchPods } from "./pod-list.ts";
import { PodTable, podKey } from "./pod-table.ts";

/** Milliseconds in which changes are collected, so that pods that start together share a run. */
const COLLECT_MS = 300;
/** Milliseconds that a run continues after its pod was removed, for the pod's last output. */
const LAST_OUTPUT_MS = 2000;
/** Milliseconds before the first retry of a watch, and the longest wait between retries. */
const [FIRST_RETRY_MS, LAST_RETRY_MS] = [500, 30_000];

/**
 * Starts tail on a node. Resolves to the status after the end of tail, also after `left` has
 * aborted.
 */
export type StartRun = (plan: NodePlan, options: { isJoined: boolean; left: AbortSignal }) => Promise<number>;

interface Run {
  pods: ReadonlySet<string>;
  left: AbortController;
}

/**
 * True if pods that start later are followed too. These are the pods of a pattern and, with `-F`,
 * of a name.
 */
export function addsPods(request: Request): boolean {
  const { isFollowing, isRetrying } = followOf(request);
  return isFollowing && (hasPattern(request) || isRetrying);
}

/** True if a target may select several pods. */
function hasPattern({ parts }: Request): boolean {
  return parts.some((part) => "target" in part && isGlob(part.target.pod ?? "*"));
}

/** True if a follow waits for pods that do not exist yet: with `--retry`. */
export function waitsForPods(request: Request): boolean {
  const { isFollowing, isRetrying } = followOf(request);
  return isFollowing && isRetrying;
}

/** True for a follow: it continues after a lost connection. */
export function isFollow(request: Request): boolean {
  return followOf(request).isFollowing;
}

function followOf({ command, parts }: Request): { isFollowing: boolean; isRetrying: boolean } {
  const options = new Set(parts.map((part) => ("word" in part ? part.word.option : undefined)));
  const isFollowing = command === "tail" && ["f", "F", "follow"].some((one) => options.has(one));
  return { isFollowing, isRetrying: options.has("F") || options.has("retry") };
}

/**
 * Follows pods until a signal. Adds pods that match later, and drops pods that are removed. If the
 * pods cannot be watched, or all are named and exist, returns the highest status once all runs have
 * ended.
 */
export async function followPods(
  request: Request,
  lists: PodLists,
  start: StartRun,
  interrupt: Interrupt,
): Promise<number> {
  const stop = new AbortController();
  const follow = new PodFollow(request, lists, start, stop);
  const remove = interrupt.listen(() => stop.abort());
  try {
    await watchAll(request, follow, stop.signal).catch((error) => follow.watchFailed(error));
    return await follow.ended();
  } finally {
    remove();
    follow.close();
  }
}

class PodFollow {
  readonly #request: Request;
  readonly #start: StartRun;
  readonly #runs = new Map<Run, Promise<void>>();
  readonly #ending = new Map<Run, NodeJS.Timeout>();
  readonly table: PodTable;
  /** Ends the watches. */
  readonly #stop: AbortController;
  #timer: NodeJS.Timeout | undefined;
  #status = 0;

  /** @param stop ends the watches; aborted when all runs have ended and no pod can be added */
  constructor(request: Request, lists: PodLists, start: StartRun, stop: AbortController) {
    [this.#request, this.#start, this.#stop] = [request, start, stop];
    this.table = new PodTable(lists, (query, pod) => isWanted(request, query, pod));
    this.#add(this.table.lists, false);
  }

  /** Applies the table's changes after a short delay. */
  changed(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#update();
    }, COLLECT_MS);
  }

  /** Reports that no pods can be added. The follow of the present ones continues. */
  watchFailed(error: unknown): void {
    report(error);
    if (this.#isMissing()) this.#status = Math.max(this.#status, exitStatus(error));
    this.#stop.abort();
  }

  async ended(): Promise<number> {
    while (this.#runs.size > 0) await Promise.all(this.#runs.values());
    return this.#status;
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const timer of this.#ending.values()) clearTimeout(timer);
  }

  #update(): void {
    const { joined, left } = this.table.changes();
    for (const pod of left) complain(printable(`${nameOf(pod)} is gone from ${placeName(pod.node)}`));
    const isNew = new Set(joined.filter((pod) => !this.#isFollowed(pod)).map(podKey));
    for (const pod of joined) complain(printable(`${nameOf(pod)} is followed too, on ${placeName(pod.node)}`));
    this.#add(
      this.table.lists.map((list) => list.filter((pod) => isNew.has(podKey(pod)))),
      true,
    );
    const present = new Set(this.table.lists.flat().map(podKey));
    for (const run of this.#runs.keys()) this.#keepOrEnd(run, present);
  }

  #isFollowed(pod: PodRow): boolean {
    return [...this.#runs.keys()].some(({ pods, left }) => pods.has(podKey(pod)) && !left.signal.aborted);
  }

  #add(lists: PodLists, isJoined: boolean): void {
    for (const plan of planNodes(this.#request, lists)) {
      const run: Run = { pods: new Set(plan.pods.map(podKey)), left: new AbortController() };
      const task = this.#start(plan, { isJoined, left: run.left.signal }).then(
        (status) => {
          if (!run.left.signal.aborted) this.#status = Math.max(this.#status, status);
        },
        (error: unknown) => {
          report(error);
          this.#status = Math.max(this.#status, exitStatus(error));
        },
      );
      this.#runs.set(
        run,
        task.finally(() => {
          this.#runs.delete(run);
          if (!run.left.signal.aborted && this.#runs.size === 0) this.#ranOut();
        }),
      );
    }
  }

  #isMissing(): boolean {
    return missingTargets(this.#request, this.table.lists, hasStarted).length > 0;
  }

  /** Handles the end of the last run: ends the follow, unless other pods may be added. */
  #ranOut(): void {
    if (this.#stop.signal.aborted) return;
    if (!hasPattern(this.#request) && !this.#isMissing()) this.#stop.abort();
    else complain("no pod is followed now; waiting for others");
  }

  /** Ends a run when all its pods are gone, unless a pod returns at once. */
  #keepOrEnd(run: Run, present: ReadonlySet<string>): void {
    const isUsed = [...run.pods].some((pod) => present.has(pod));
    if (isUsed) {
      clearTimeout(this.#ending.get(run));
      this.#ending.delete(run);
    } else if (!this.#ending.has(run))
      this.#ending.set(
        run,
        setTimeout(() => run.left.abort(), LAST_OUTPUT_MS),
      );
  }
}

/**
 * True if the API server refuses the watch. After other errors, such as a restart of the server,
 * the watch is retried.
 */
function isRefused(error: unknown): error is PortholeError {
  return error instanceof PortholeError && /forbidden|unauthorized/i.test(error.message);
}

function laterPodsMissing({ code, message }: PortholeError): PortholeError {
  return new PortholeError(code, `${message}; pods that start later are not followed`, {
    hint: "request the right to watch pods",
  });
}

function nameOf({ namespace, name }: PodRow): string {
  return `pod:${namespace}/${name}`;
}

/** Watches each query until the signal. @throws PortholeError TARGET if the watch is refused */
async function watchAll(request: Request, follow: PodFollow, signal: AbortSignal): Promise<void> {
  await Promise.all(
    queries(request).map(async (query, index) => {
      for (let delay = FIRST_RETRY_MS; !signal.aborted; delay = Math.min(LAST_RETRY_MS, delay * 2)) {
        const began = performance.now();
        const changed = (event: Parameters<PodTable["change"]>[1]) => {
          follow.table.change(index, event);
          follow.changed();
        };
        try {
          await watchPods(query, request, { changed, signal });
        } catch (error) {
          if (isRefused(error)) throw laterPodsMissing(error);
        }
        if (performance.now() - began > LAST_RETRY_MS) delay = FIRST_RETRY_MS;
        await sleep(delay, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) return;
        // Lists the pods again: some may have been removed while there was no watch.
        const pods = await requestPods(query, request).catch(() => undefined);
        if (pods === undefined) continue;
        follow.table.replace(index, pods);
        follow.changed();
      }
    }),
  );
}
