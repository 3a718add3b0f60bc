import { PortholeError } from "../../../src/errors.ts";
import { isGlob } from "../../targets/container-pattern.ts";
import type { Part, PodTarget, Request } from "../command-line/arguments.ts";

/** A pod in the output of kubectl. */
export interface PodRow {
  namespace: string;
  name: string;
  /** Name of the pod's node; empty until the pod is scheduled. */
  node: string;
  phase: string;
  /** The process that created a helper for its own use; empty for any other pod. */
  owner: string;
  /**
   * The only container, if the pod also has init containers: its runtime cannot distinguish them.
   */
  only?: string;
  /** Set if the pod is Pending and the runtime has containers of it, such as init containers. */
  hasContainers?: boolean;
}

/** True for a pod whose files and output can be read. */
export function isReadable({ node, phase, hasContainers }: PodRow): boolean {
  return node !== "" && (phase !== "Pending" || hasContainers === true);
}

/** False for a pod that waits for its node, its image or its init containers. */
export function hasStarted({ node, phase }: PodRow): boolean {
  return node !== "" && phase !== "Pending";
}

/**
 * Names a place in messages.
 * @param where a node, or `NAMESPACE/POD` for an ephemeral container
 */
export function placeName(where: string): string {
  return where.includes("/") ? `the pod ${where}` : `the node ${where}`;
}

/** Replaces the node of a pod by the pod itself, as the place where its command runs. */
export function asOwnPlace(pod: PodRow): PodRow {
  return pod.node === "" ? pod : { ...pod, node: `${pod.namespace}/${pod.name}` };
}

/** The part of a command that runs on one node, or in one pod. */
export interface NodePlan {
  node: string;
  /** The words of the porthole command line; the first is the command. */
  args: string[];
  /** The pods of its targets. */
  pods: PodRow[];
}

const FIELDS: readonly (readonly [string, string])[] = [
  ["NAMESPACE", ".metadata.namespace"],
  ["NAME", ".metadata.name"],
  ["NODE", ".spec.nodeName"],
  ["PHASE", ".status.phase"],
  ["OWNER", ".metadata.labels.porthole-owner"],
  ["CONTAINERS", ".spec.containers[*].name"],
  ["INIT", ".spec.initContainers[*].name"],
  ["IDS", ".status.containerStatuses[*].containerID"],
  ["INITIDS", ".status.initContainerStatuses[*].containerID"],
];
/** Output columns of `kubectl get pods`, in the order of {@link parseRows}. */
export const COLUMNS = `custom-columns=${FIELDS.map(([name, path]) => `${name}:${path}`).join(",")}`;
/** Output columns for `--watch --output-watch-events`: the same, after the kind of the event. */
export const EVENT_COLUMNS = `custom-columns=EVENT:.type,${FIELDS.map(([name, path]) => `${name}:.object${path}`).join(",")}`;

/** Parses the rows that kubectl prints for {@link COLUMNS}. */
export function parseRows(text: string): PodRow[] {
  return text.split("\n").flatMap((line) => rowOf(line.trim().split(/\s+/)) ?? []);
}

/** A change of the pods that kubectl watches. */
export interface PodEvent {
  pod: PodRow;
  /** True if the pod was removed, or no longer matches. */
  isGone: boolean;
}

/** Parses a line that kubectl prints for {@link EVENT_COLUMNS}; undefined for any other line. */
export function parseEvent(line: string): PodEvent | undefined {
  const [kind, ...columns] = line.trim().split(/\s+/);
  const pod = rowOf(columns);
  return pod === undefined ? undefined : { pod, isGone: kind === "DELETED" };
}

function rowOf(columns: readonly string[]): PodRow | undefined {
  if (columns.length !== FIELDS.length) return undefined;
  const values = columns.map((one) => (one === "<none>" ? "" : one));
  const [namespace = "", name = "", node = "", phase = "", owner = "", containers = "", init = "", ...ids] = values;
  const isOnly = init !== "" && containers !== "" && !containers.includes(",");
  return {
    ...{ namespace, name, node, phase, owner },
    ...(isOnly && { only: containers }),
    ...(phase === "Pending" && ids.some((id) => id !== "") && { hasContainers: true }),
  };
}

/** One call of `kubectl get pods`. */
export interface PodQuery {
  namespace: string | undefined;
  /** Of all namespaces; `namespace` is undefined. */
  allNamespaces: boolean;
  /** Exact names. Empty for all pods of the namespace, or for all pods that match the selector. */
  names: string[];
  selector: string | undefined;
}

/** Returns the calls that a request needs: one for each namespace and selector. */
export function queries(request: Request): PodQuery[] {
  const found = new Map<string, PodQuery>();
  for (const target of targetsOf(request.parts)) {
    const { namespace, allNamespaces, selector } = scopeOf(request, target);
    const key = queryKey(request, target);
    const before = found.get(key);
    // kubectl finds no pod by its name in all namespaces.
    const isExact = target.pod !== undefined && !isGlob(target.pod) && !allNamespaces;
    const exact = isExact ? [target.pod ?? ""] : undefined;
    if (before === undefined) found.set(key, { namespace, allNamespaces, names: exact ?? [], selector });
    else if (exact === undefined || before.names.length === 0) before.names = [];
    else if (!before.names.includes(exact[0] ?? "")) before.names.push(...exact);
  }
  return [...found.values()];
}

function scopeOf(request: Request, target: PodTarget) {
  const namespace = target.namespace ?? request.namespace;
  return { namespace, allNamespaces: namespace === undefined && request.allNamespaces, selector: target.selector };
}

function queryKey(request: Request, target: PodTarget): string {
  const { namespace = "", selector } = scopeOf(request, target);
  return `${namespace}\0${selector ?? "\0"}`;
}

/** The results of {@link queries}, in their order. */
export type PodLists = readonly (readonly PodRow[])[];

/** A target without a pod that can be read. */
export interface MissingTarget {
  error: PortholeError;
  /** A pod matches, but it has not started. */
  exists: boolean;
}

/**
 * Throws for the first target that no pod matches.
 * @throws PortholeError TARGET if there is no such pod, or if it has not started
 */
export function checkTargets(request: Request, rows: PodLists): void {
  const [first] = missingTargets(request, rows, isReadable);
  if (first !== undefined) throw first.error;
}

/** Returns the targets without a pod that is ready. */
export function missingTargets(
  request: Request,
  rows: PodLists,
  isReady: (pod: PodRow) => boolean,
): readonly MissingTarget[] {
  const match = matcher(request, rows);
  return targetsOf(request.parts).flatMap((target): MissingTarget[] => {
    const found = match(target);
    if (found.some(isReady)) return [];
    const [pod] = found;
    return [{ error: pod === undefined ? missing(request, target) : notStarted(pod), exists: pod !== undefined }];
  });
}

function notStarted({ namespace, name, node, phase }: PodRow): PortholeError {
  const state = node === "" ? "is not scheduled" : "has not started";
  return new PortholeError("TARGET", `the pod ${namespace}/${name} ${state}: ${phase}`, {
    hint: `kubectl describe pod -n ${namespace} ${name} shows the reason`,
  });
}

/** Distributes the command over the nodes, in the order of its targets. */
export function planNodes(request: Request, rows: PodLists): NodePlan[] {
  const match = matcher(request, rows);
  const podsOfParts = request.parts.map((part) => ("target" in part ? match(part.target).filter(isReadable) : []));
  const nodes = [...new Set(podsOfParts.flat().map(({ node }) => node))];
  return nodes.map((node) => {
    const pods = new Set<PodRow>();
    const operands = orderedParts(request.parts).flatMap(([part, index]) => {
      if ("word" in part) return part.word.option === undefined ? part.word.args : [];
      const here = (podsOfParts[index] ?? []).filter((pod) => pod.node === node);
      for (const pod of here) pods.add(pod);
      return here.map((pod) => targetText(pod, part.target));
    });
    const options = request.parts.flatMap((part) =>
      "word" in part && part.word.option !== undefined ? part.word.args : [],
    );
    return { node, args: [request.command, ...options, ...dashes(request.command, operands)], pods: [...pods] };
  });
}

/** True if a target of the request selects this pod, which is in the result of a query. */
export function isWanted(request: Request, query: number, pod: PodRow): boolean {
  const lists = queries(request).map((_, index) => (index === query ? [pod] : []));
  const match = matcher(request, lists);
  return targetsOf(request.parts).some((target) => match(target).length > 0);
}

function matcher(request: Request, rows: PodLists): (target: PodTarget) => PodRow[] {
  const keys = [...new Set(targetsOf(request.parts).map((target) => queryKey(request, target)))];
  return (target) => (rows[keys.indexOf(queryKey(request, target))] ?? []).filter(({ name }) => isNamed(target, name));
}

/** True if the name or glob of a target selects this pod. */
export function isNamed({ pod }: PodTarget, name: string): boolean {
  return pod === undefined || globExpression(pod).test(name);
}

function targetsOf(parts: readonly Part[]): PodTarget[] {
  return parts.flatMap((part) => ("target" in part ? [part.target] : []));
}

function orderedParts(parts: readonly Part[]): [Part, number][] {
  return parts.map((part, index) => [part, index]);
}

/**
 * Puts operands after `--`, so that no operand is parsed as an option. Does not change `find`,
 * because its expression follows the operands.
 */
function dashes(command: string, operands: string[]): string[] {
  return command === "find" || command === "open" ? operands : ["--", ...operands];
}

function targetText({ namespace, name, only }: PodRow, { container = only, path }: PodTarget): string {
  return `pod:${namespace}/${name}${container === undefined ? "" : `/${container}`}${path}`;
}

function globExpression(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`);
}

function missing(request: Request, target: PodTarget): PortholeError {
  const { namespace, allNamespaces, selector } = scopeOf(request, target);
  const scope = namespace === undefined ? "the current namespace" : `the namespace ${namespace}`;
  const where = allNamespaces ? "any namespace" : scope;
  const isOfLabels = target.pod === undefined;
  const of = target.workload === undefined ? (selector ?? "") : `the selector of ${target.workload}: ${selector}`;
  const options = allNamespaces ? " -A" : namespace === undefined ? "" : ` -n ${namespace}`;
  // kubectl cp and kubectl get accept NAMESPACE/POD.
  const other = target.container !== undefined && !isOfLabels ? `; a namespace is -n ${target.pod}` : "";
  return new PortholeError(
    "TARGET",
    `${isOfLabels ? `no pod matches ${of}` : `no such pod: '${target.pod}'`} in ${where}`,
    { hint: `kubectl get pods${options}${isOfLabels ? " --show-labels" : ""} lists them${other}` },
  );
}

/** Selects the helper of each node from the pods of the helpers' namespace. */
export function helpersByNode(rows: readonly PodRow[]): Map<string, PodRow> {
  return new Map(sharedHelpers(rows).flatMap((row) => (row.phase === "Running" ? [[row.node, row]] : [])));
}

/** Selects the shared helpers that do not run, by node. */
export function waitingHelpers(rows: readonly PodRow[]): Map<string, PodRow> {
  return new Map(sharedHelpers(rows).flatMap((row) => (row.phase === "Running" ? [] : [[row.node, row]])));
}

function sharedHelpers(rows: readonly PodRow[]): readonly PodRow[] {
  return rows.filter(({ owner }) => owner === "");
}
