import { spawn } from "node:child_process";
import { PassThrough } from "node:stream";
import type { Place } from "../../src/elsewhere/index.ts";
import type { PortholeError } from "../../src/errors.ts";
import type { Interrupt } from "../elsewhere/interrupt.ts";
import { noKubectl } from "./kubectl.ts";
import { KubectlErrors } from "./kubectl-errors.ts";

/** Milliseconds that a command has after a signal before its connection is closed. */
const GRACE_MS = 3000;

/** A container that has porthole. */
export interface HelperContainer {
  namespace: string;
  pod: string;
  container: string;
}

/**
 * A container of the cluster as a place, by `kubectl exec`.
 * @param kubectl arguments that name the cluster
 * @param lost the error for a connection that ended first; its argument is kubectl's reason
 */
export function kubectlPlace(
  name: string,
  { namespace, pod, container }: HelperContainer,
  options: { kubectl: readonly string[]; interrupt: Interrupt; lost: (reason: string) => PortholeError },
): Place {
  return {
    name,
    start: async (command) => {
      const exec = ["exec", "-i", "-n", namespace, pod, "-c", container, "--", ...command];
      // In a session of its own: Ctrl-C is for the command there, which ends the connection.
      const child = spawn("kubectl", [...options.kubectl, ...exec], { detached: true });
      const { stdin, stdout } = child;
      const errors = new KubectlErrors();
      const [output, stderr] = [new PassThrough(), child.stderr.pipe(errors)];
      // At the end of a process Node discards what nothing reads yet.
      stdout.pipe(output);
      stdin.on("error", () => undefined);
      child.once("error", (error) => {
        for (const stream of [output, stderr]) stream.destroy(noKubectl(error));
      });
      const close = () => void child.kill("SIGKILL");
      const remove = options.interrupt.listen(() => void setTimeout(close, GRACE_MS).unref());
      child.once("close", remove);
      return { stdin, stdout: output, stderr, lost: () => options.lost(errors.reason), close };
    },
  };
}
