import { spawnChild } from "../../../src/descriptors/index.ts";
import { kubectl, kubectlFailure, noKubectl } from "../calls/kubectl.ts";
import type { Request } from "../command-line/arguments.ts";
import {
  asOwnPlace,
  COLUMNS,
  EVENT_COLUMNS,
  type PodEvent,
  type PodQuery,
  type PodRow,
  parseEvent,
  parseRows,
} from "./plan.ts";

/** Lists the pods of a query. @throws PortholeError TARGET */
export async function requestPods(query: PodQuery, { kubectl: options, isEphemeral }: Request): Promise<PodRow[]> {
  const { namespace, names, selector } = query;
  const scope = scopeOptions(query);
  const which = selector === undefined ? names : ["-l", selector];
  const output = ["-o", COLUMNS, "--no-headers", "--ignore-not-found"];
  const args = [...options, "get", "pods", ...scope, ...which, ...output];
  const rows = parseRows(await kubectl(args, `list the pods${ofNamespace(namespace)}`));
  return isEphemeral ? rows.map(asOwnPlace) : rows;
}

/**
 * Passes on the pods of a query and their changes, until the API server ends the watch.
 * @throws PortholeError TARGET
 */
export async function watchPods(
  query: PodQuery,
  { kubectl: options, isEphemeral }: Request,
  { changed, signal }: { changed: (event: PodEvent) => void; signal: AbortSignal },
): Promise<void> {
  const { namespace, names, selector } = query;
  const scope = scopeOptions(query);
  const [only] = names;
  // kubectl cannot watch several names, so all pods of the namespace are watched.
  const named = names.length === 1 ? ["--field-selector", `metadata.name=${only}`] : [];
  const which = selector === undefined ? named : ["-l", selector];
  const output = ["--watch", "--output-watch-events", "-o", EVENT_COLUMNS, "--no-headers"];
  const words = ["kubectl", ...options, "get", "pods", ...scope, ...which, ...output];
  // Ctrl-C must reach only this process, which ends the watch.
  const child = spawnChild("sh", ["-c", WITH_PARENT, "sh", ...words], { stdio: "pipe", detached: true });
  child.stdin.on("error", () => undefined);
  const stop = () => void child.stdin.end();
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  let [text, errors] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    const lines = (text + piece).split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) {
      const event = parseEvent(line);
      if (event !== undefined) changed(isEphemeral ? { ...event, pod: asOwnPlace(event.pod) } : event);
    }
  });
  child.stderr.setEncoding("utf8").on("data", (piece: string) => {
    errors = (errors + piece).slice(-MAX_ERRORS);
  });
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once("error", (error) => reject(noKubectl(error)));
      child.once("close", resolve);
    });
    if (status !== 0 && !signal.aborted) throw kubectlFailure(`watch the pods${ofNamespace(namespace)}`, errors);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/**
 * Runs a command that ends at the end of standard input: kubectl does not read it, and would
 * outlive a killed client until the next event. Exits with the status of the command.
 */
const WITH_PARENT = `
exec 3<&0 </dev/null
"$@" 3<&- & command=$!
{ read -r _ <&3; kill "$command"; } >/dev/null 2>&1 & reader=$!
exec 3<&-
wait "$command"; status=$?
kill "$reader" 2>/dev/null
exit "$status"`;

/** Maximum characters that are kept from the end of kubectl's standard error. */
const MAX_ERRORS = 4096;

function scopeOptions({ namespace, allNamespaces }: PodQuery): string[] {
  return allNamespaces ? ["-A"] : namespace === undefined ? [] : ["-n", namespace];
}

function ofNamespace(namespace: string | undefined): string {
  return namespace === undefined ? "" : ` of ${namespace}`;
}
