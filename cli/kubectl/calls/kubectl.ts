import { spawnChild } from "../../../src/descriptors/index.ts";
import { PortholeError } from "../../../src/errors.ts";

/** The processes of {@link kubectl}. */
const running = new Set<{ kill(): unknown }>();

/** Ends kubectl processes that wait for a server that does not respond. */
export function stopKubectl(): void {
  for (const child of running) child.kill();
}

/**
 * Runs kubectl until it ends. It inherits standard input, because a credential plugin may ask for
 * input.
 */
export async function kubectl(args: readonly string[], task: string, input?: string): Promise<string> {
  const child = spawnChild("kubectl", args, { stdio: [input === undefined ? "inherit" : "pipe", "pipe", "pipe"] });
  running.add(child);
  child.once("close", () => running.delete(child));
  let [text, errors] = ["", ""];
  child.stdout?.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  child.stderr?.setEncoding("utf8").on("data", (piece: string) => {
    errors += piece;
  });
  child.stdin?.on("error", () => undefined).end(input);
  const status = await new Promise<number>((resolve, reject) => {
    child.on("error", (error) => reject(noKubectl(error)));
    child.on("close", (code, signal) => resolve(signal === null ? (code ?? 1) : 1));
  });
  if (status !== 0) throw kubectlFailure(task, errors);
  return text;
}

/** Returns the error if kubectl could not be started. */
export function noKubectl(error: Error): PortholeError {
  const why = (error as NodeJS.ErrnoException).code === "ENOENT" ? "no kubectl in the PATH" : error.message;
  return new PortholeError("TARGET", `cannot run kubectl: ${why}`, {
    hint: "install it: https://kubernetes.io/docs/tasks/tools/",
  });
}

/** Remedies, selected by kubectl's error message. */
const REMEDIES: readonly (readonly [RegExp, string])[] = [
  [
    /^Error from server[^\n]*when creating[^\n]*violates PodSecurity/m,
    "use --helper-namespace with a namespace whose Pod Security level is privileged",
  ],
  [/violates PodSecurity/, "use a helper pod in another namespace: omit --ephemeral"],
  [/exceeded quota/, "kubectl describe quota shows it; use --helper-namespace, or --ephemeral"],
  [/when creating[^\n]*namespaces .* not found/, "kubectl create namespace makes it; or use --helper-namespace"],
  [/unknown flag: --(?:custom|profile|target)/, "install kubectl 1.31 or later"],
  [/forbidden/i, "request the rights in docs/kubernetes.md; kubectl auth can-i --list shows yours"],
  [
    /unauthorized|must be logged in|provide credentials/i,
    "log in to the cluster; kubectl auth whoami shows who you are",
  ],
  [/context .* does not exist|no context exists/i, "kubectl config get-contexts lists them"],
  [/namespaces? .* not found/i, "kubectl get namespaces lists them"],
  [
    /connection refused|unable to connect|no such host|i\/o timeout|no route|server was refused/i,
    "kubectl cluster-info tests the connection",
  ],
  [
    /unable to parse requirement|unable to find .*selector|invalid label/i,
    "use the syntax of kubectl get --selector: app=web,tier!=cache",
  ],
];

/** Returns the error for a failed kubectl, in one line. */
export function kubectlFailure(task: string, stderr: string): PortholeError {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "" && !/^[EWI]\d{4} /.test(line));
  const why = reasonIn(lines.at(-1) ?? "") || "kubectl printed no message";
  const hint = REMEDIES.find(([pattern]) => pattern.test(stderr))?.[1];
  return new PortholeError("TARGET", `cannot ${task}: ${why}`, hint === undefined ? {} : { hint });
}

/** The reason in a line of kubectl, without its prefixes and the address of the request. */
export function reasonIn(line: string): string {
  return line
    .replace(/^error: |^Error from server(?: \(\w+\))?: (?:error when creating "STDIN": )?/, "")
    .replace(/\b(?:Get|Post|Put|Patch|Delete) "[^"]*": /, "");
}
