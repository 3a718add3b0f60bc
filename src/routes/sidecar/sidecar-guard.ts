import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { Engine } from "../../engines/api/engine.ts";
import { startGuard } from "../run-directory/guard-process.ts";

/**
 * If this process is killed, removes a container that was created but never started: AutoRemove
 * applies only to containers that ran. The process is `sidecar-cleaner.ts`; see {@link startGuard}.
 */
export class SidecarGuard implements AsyncDisposable {
  /** Identifies the guarded start in a label of the container. */
  readonly start = randomBytes(8).toString("hex");
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  /**
   * Create the guard before the container. If its process cannot start, the container is not
   * guarded.
   */
  constructor({ socketPath }: Engine) {
    const program = fileURLToPath(new URL("./sidecar-cleaner.js", import.meta.url));
    this.#child = startGuard(process.execPath, [program, socketPath, this.start], {});
    this.#ended = new Promise((resolve) => this.#child.once("exit", resolve).once("error", resolve));
  }

  /** Ends the guard: the container is removed, or ends with this process. Idempotent. */
  async end(): Promise<void> {
    this.#child.ref();
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}
