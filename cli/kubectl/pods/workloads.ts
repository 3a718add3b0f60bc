import { PortholeError } from "../../../src/errors.ts";
import { kubectl } from "../calls/kubectl.ts";
import type { PodTarget, Request } from "../command-line/arguments.ts";

interface MatchExpression {
  key: string;
  operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  values?: string[];
}

type Selector = { matchLabels?: Record<string, string>; matchExpressions?: MatchExpression[] };

/**
 * Replaces each workload of the targets, such as `deploy/web`, by the selector of its pods.
 * @throws PortholeError TARGET
 */
export async function withSelectors(request: Request): Promise<Request> {
  const selectors = new Map<string, Promise<string>>();
  const selectorOf = (target: PodTarget, workload: string) => {
    const namespace = target.namespace ?? request.namespace;
    const found = selectors.get(`${namespace} ${workload}`) ?? requestSelector(workload, namespace, request);
    selectors.set(`${namespace} ${workload}`, found);
    return found;
  };
  const parts = request.parts.map(async (part) => {
    if (!("target" in part) || part.target.workload === undefined) return part;
    return { target: { ...part.target, selector: await selectorOf(part.target, part.target.workload) } };
  });
  return { ...request, parts: await Promise.all(parts) };
}

async function requestSelector(
  workload: string,
  namespace: string | undefined,
  { kubectl: options }: Request,
): Promise<string> {
  const scope = namespace === undefined ? [] : ["-n", namespace];
  const json = await kubectl([...options, "get", workload, ...scope, "-o", "json"], `find the pods of ${workload}`);
  const selector = selectorText((JSON.parse(json) as { spec?: { selector?: object } }).spec?.selector ?? {});
  // An empty selector would select all pods.
  if (selector === "")
    throw new PortholeError("TARGET", `${workload} has no selector, so it has no pods of its own`, {
      hint: "name pods, or use -l SELECTOR",
    });
  return selector;
}

/** Formats the selector of a workload or a service for `kubectl get --selector`. */
export function selectorText(selector: Selector | Record<string, string>): string {
  const isOfWorkload = "matchLabels" in selector || "matchExpressions" in selector;
  const { matchLabels = {}, matchExpressions = [] } = (isOfWorkload ? selector : { matchLabels: selector }) as Selector;
  const equal = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  return [...equal, ...matchExpressions.map(expressionText)].join(",");
}

function expressionText({ key, operator, values = [] }: MatchExpression): string {
  if (operator === "Exists") return key;
  if (operator === "DoesNotExist") return `!${key}`;
  return `${key} ${operator === "In" ? "in" : "notin"} (${values.join(",")})`;
}
