import { PortholeError } from "../../src/errors.ts";
import { isGlob } from "../targets/container-pattern.ts";
import type { Part, PodTarget, Request } from "./arguments.ts";

/** A pod in the output of kubectl. */
export interface PodRow {
  namespace: string;
  name: string;
  /** Name of the pod's node; empty until the pod is scheduled. */
  node: string;
  phase: string;
  /** The process that created a helper for its own use; empty for any other pod. */
  owner: string;
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
  const [namespace = "", name = "", node = "", phase = "", owner = ""] = columns.map((one) =>
    one === "<none>" ? "" : one,
  );
  return { namespace, name, node, phase, owner };
}

/** One call of `kubectl get pods`. */
export interface PodQuery {
  namespace: string | undefined;
  /** Exact names. Empty for all pods of the namespace, or for all pods that match the selector. */
  names: string[];
  selector: string | undefined;
}

/** Returns the calls that a request needs: one per namespace. */
export function queries({ parts, namespace, selector }: Request): PodQuery[] {
  const found = new Map<string | undefined, PodQuery>();
  for (const target of targetsOf(parts)) {
    const listedNamespace = target.namespace ?? namespace;
    const before = found.get(listedNamespace);
    const exact = target.pod !== undefined && !isGlob(target.pod) ? [target.pod] : undefined;
    if (before === undefined) found.set(listedNamespace, { namespace: listedNamespace, names: exact ?? [], selector });
    else if (exact === undefined || before.names.length === 0) before.names = [];
    else if (!before.names.includes(exact[0] ?? "")) before.names.push(...exact);
  }
  return [...found.values()];
}

/** The results of {@link queries}, in their order. */
export type PodLists = readonly (readonly PodRow[])[];

/**
 * Throws for the first target that no pod matches.
 * @throws PortholeError TARGET if there is no such pod, or if it has no node
 */
export function checkTargets(request: Request, rows: PodLists): void {
  const match = matcher(request, rows);
  for (const target of targetsOf(request.parts)) {
    const found = match(target);
    if (found.length === 0) throw missing(request, target);
    if (found.some(({ node }) => node !== "")) continue;
    const [{ namespace = "", name = "", phase = "" } = {}] = found;
    throw new PortholeError("TARGET", `the pod ${namespace}/${name} is not scheduled: ${phase}`, {
      hint: `kubectl describe pod -n ${namespace} ${name} shows the reason`,
    });
  }
}

/** Distributes the command over the nodes, in the order of its targets. */
export function planNodes(request: Request, rows: PodLists): NodePlan[] {
  const match = matcher(request, rows);
  const podsOfParts = request.parts.map((part) =>
    "target" in part ? match(part.target).filter(({ node }) => node !== "") : [],
  );
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

/** Returns a function that finds the pods of a target. */
function matcher(request: Request, rows: PodLists): (target: PodTarget) => PodRow[] {
  const lists = queries(request);
  return (target) => {
    const at = lists.findIndex(({ namespace }) => namespace === (target.namespace ?? request.namespace));
    const pattern = target.pod === undefined ? undefined : globExpression(target.pod);
    return (rows[at] ?? []).filter(({ name }) => pattern?.test(name) ?? true);
  };
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

function targetText({ namespace, name }: PodRow, { container, path }: PodTarget): string {
  return `pod:${namespace}/${name}${container === undefined ? "" : `/${container}`}${path}`;
}

function globExpression(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`);
}

function missing({ namespace, selector }: Request, target: PodTarget): PortholeError {
  const listedNamespace = target.namespace ?? namespace;
  const where = listedNamespace === undefined ? "the current namespace" : `the namespace ${listedNamespace}`;
  const what = target.pod === undefined ? `no pod matches ${selector}` : `no such pod: '${target.pod}'`;
  return new PortholeError("TARGET", `${what} in ${where}`, {
    hint: `kubectl get pods${listedNamespace === undefined ? "" : ` -n ${listedNamespace}`}${target.pod === undefined ? " --show-labels" : ""} lists them`,
  });
}

/** Selects the helper of each node from the pods of the helpers' namespace. */
export function helpersByNode(rows: readonly PodRow[]): Map<string, PodRow> {
  const ready = rows.filter(({ phase, owner }) => phase === "Running" && owner === "");
  return new Map(ready.map((row) => [row.node, row]));
}
