import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { startTime } from "../../../src/descriptors/index.ts";
import type { Place } from "../../../src/elsewhere/index.ts";
import { PortholeError } from "../../../src/errors.ts";
import { report } from "../../io/fail.ts";
import type { Interrupt } from "../../io/interrupt.ts";
import { kubectl } from "../calls/kubectl.ts";
import { lostNode } from "../calls/lost-node.ts";
import type { Places } from "../calls/surroundings.ts";
import type { Request } from "../command-line/arguments.ts";
import { COLUMNS, helpersByNode, type PodRow, parseRows, waitingHelpers } from "../pods/plan.ts";
import { containerState, reasonText, remedyFor, type StatusJson } from "./container-state.ts";
import { helperManifest, leftHelpers, ownerLabel } from "./helper-pod.ts";
import { kubectlPlace } from "./kubectl-place.ts";

/** Maximum seconds that a new helper may take to start, including the pull of its image. */
const START_S = 120;

const LOOK_MS = 500;

/** The status of a pod with one container. */
interface StatusOfHelper {
  phase?: string;
  conditions?: { type: string; status: string }[];
  containerStatuses?: StatusJson[];
  /** Why the kubelet rejects the pod. */
  reason?: string;
  message?: string;
}

interface HelperState {
  isReady: boolean;
  hasFailed: boolean;
  /** Why it is not ready; empty if unknown. */
  reason: string;
}

/** The helper pods of a run, including those that the run has created. */
export class Helpers implements Places {
  readonly #request: Request;
  readonly #interrupt: Interrupt;
  readonly #made: PodRow[] = [];
  /** Calls that make helpers. */
  readonly #calls = new Set<Promise<unknown>>();
  #known: Map<string, PodRow> | undefined;
  #waiting: ReadonlyMap<string, PodRow> = new Map();

  constructor(request: Request, interrupt: Interrupt) {
    [this.#request, this.#interrupt] = [request, interrupt];
  }

  /** Finds the helpers. Removes helpers whose client was killed. */
  async find(): Promise<void> {
    const { kubectl: options, helperNamespace } = this.#request;
    const rows = parseRows(
      await kubectl(
        [
          ...options,
          "get",
          "pods",
          "-n",
          helperNamespace,
          "-l",
          "app.kubernetes.io/name=porthole",
          "-o",
          COLUMNS,
          "--no-headers",
        ],
        `find the helper pods in ${helperNamespace}`,
      ),
    );
    const left = leftHelpers(rows, hostname(), startTime);
    await this.#remove(left).catch(report);
    this.#known = helpersByNode(rows);
    this.#waiting = waitingHelpers(rows);
  }

  /**
   * Returns the helper of a node as a place.
   * @throws PortholeError ATTACH if the node has no helper and no image is given
   */
  async on(node: string): Promise<Place> {
    const { namespace, name } = await this.#podOn(node);
    const { kubectl: options } = this.#request;
    const helper = { namespace, pod: name, container: "porthole" };
    const lost = (reason: string) => lostNode(node, `${namespace}/${name}`, reason);
    return kubectlPlace(`the node ${node}`, helper, { kubectl: options, interrupt: this.#interrupt, lost });
  }

  async #podOn(node: string): Promise<PodRow> {
    const known = this.#known?.get(node);
    if (known !== undefined) return known;
    const { image, helperNamespace } = this.#request;
    const waiting = this.#waiting.get(node);
    if (image === undefined && waiting !== undefined)
      throw new PortholeError("ATTACH", `the helper pod ${waiting.name} on the node ${node} is ${waiting.phase}`, {
        hint: `kubectl describe pod -n ${helperNamespace} ${waiting.name} shows the reason`,
      });
    if (image === undefined)
      throw new PortholeError("ATTACH", `no helper pod runs on the node ${node}, in the namespace ${helperNamespace}`, {
        hint: "kubectl apply -k docker/kubernetes makes one on each node, --image IMAGE makes one for this command",
      });
    return await this.#make(node, image);
  }

  /** Removes the helpers that this run has created, also those that are being created. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#calls);
    await this.#remove(this.#made.splice(0)).catch(report);
  }

  async #make(node: string, image: string): Promise<PodRow> {
    const { kubectl: options, helperNamespace: namespace } = this.#request;
    const owner = ownerLabel(hostname(), process.pid, startTime(process.pid) ?? "0");
    const name = `porthole-${randomBytes(5).toString("hex")}`;
    const pod = { namespace, name, node, phase: "Running", owner };
    this.#made.push(pod);
    const task = `make a helper pod on the node ${node}`;
    const manifest = helperManifest({ ...pod, image });
    const created = kubectl([...options, "create", "--validate=false", "-n", namespace, "-f", "-"], task, manifest);
    this.#calls.add(created);
    await created;
    const end = performance.now() + START_S * 1000;
    for (let state = await this.#stateOf(pod); !state.isReady; state = await this.#stateOf(pod)) {
      if (state.hasFailed || performance.now() > end) throw notStarted(pod, image, state.reason);
      await this.#interrupt.orEnd(sleep(LOOK_MS));
    }
    this.#known?.set(node, pod);
    return pod;
  }

  async #stateOf({ namespace, name, node }: PodRow): Promise<HelperState> {
    const args = [...this.#request.kubectl, "get", "pod", "-n", namespace, name, "-o", "json"];
    const text = await kubectl(args, `read the state of the helper pod on the node ${node}`);
    const { status = {} } = JSON.parse(text) as { status?: StatusOfHelper };
    const container = containerState(status.containerStatuses?.[0]);
    return {
      isReady: status.conditions?.some((one) => one.type === "Ready" && one.status === "True") === true,
      hasFailed: status.phase === "Failed" || container.hasFailed,
      reason: container.reason || reasonText(status),
    };
  }

  async #remove(pods: readonly PodRow[]): Promise<void> {
    const { kubectl: options, helperNamespace } = this.#request;
    if (pods.length === 0) return;
    const names = pods.map(({ name }) => name);
    await kubectl(
      [...options, "delete", "pods", "-n", helperNamespace, "--ignore-not-found", "--wait=false", ...names],
      `remove the helper pod ${names.join(", ")}`,
    );
  }
}

function notStarted({ node, namespace }: PodRow, image: string, reason: string): PortholeError {
  const why = reason || `not ready after ${START_S} s`;
  return new PortholeError("ATTACH", `the helper pod on the node ${node} does not start: ${why}`, {
    hint: remedyFor(reason, image, `kubectl describe node ${node} and kubectl get events -n ${namespace} show more`),
  });
}
