import { PassThrough } from "node:stream";
import { spawnChild } from "../../../src/descriptors/index.ts";
import { type Place, urlCommand } from "../../../src/elsewhere/index.ts";
import type { PortholeError } from "../../../src/errors.ts";
import type { Interrupt } from "../../io/interrupt.ts";
import { noKubectl } from "../calls/kubectl.ts";
import { KubectlErrors } from "../calls/kubectl-errors.ts";

/** Milliseconds between a signal to a command and the close of its connection. */
const GRACE_MS = 3000;

/** A container in which porthole is installed. */
export interface HelperContainer {
  namespace: string;
  pod: string;
  container: string;
}

/**
 * Returns a container of the cluster as a place, reached by `kubectl exec`.
 * @param kubectl arguments that select the cluster
 * @param lost returns the error for a connection that ended first; its argument is kubectl's reason
 */
export function kubectlPlace(
  name: string,
  { namespace, pod, container }: HelperContainer,
  options: { kubectl: readonly string[]; interrupt: Interrupt; lost: (reason: string) => PortholeError },
): Place {
  return {
    name,
    start: async (command) => {
      const { words, input } = urlCommand(command);
      const exec = ["exec", "-i", "-n", namespace, pod, "-c", container, "--", ...words];
      // Runs kubectl in its own session: Ctrl-C is for the remote command, whose end closes the
      // connection.
      const child = spawnChild("kubectl", [...options.kubectl, ...exec], { detached: true });
      const { stdin, stdout } = child;
      const errors = new KubectlErrors();
      const [output, stderr] = [new PassThrough(), child.stderr.pipe(errors)];
      // Starts to read now: when a process ends, Node discards output without a reader.
      stdout.pipe(output);
      stdin.on("error", () => undefined);
      if (input.length > 0) stdin.write(input);
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
