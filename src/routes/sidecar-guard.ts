import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { Engine } from "../engines/engine.ts";
import { guardProcess } from "./guard-process.ts";

/**
 * Removes a container that was created but not started if this process is killed: the engine
 * (AutoRemove) removes only what has run. `sidecar-cleaner.ts` does, as a {@link guardProcess}.
 */
export class SidecarGuard implements AsyncDisposable {
  /** Names the start that it guards, in a label of the container. */
  readonly start = randomBytes(8).toString("hex");
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  /** To be created before the container. Where no process can be started, nothing is guarded. */
  constructor({ socketPath }: Engine) {
    const program = fileURLToPath(new URL("./sidecar-cleaner.js", import.meta.url));
    this.#child = guardProcess(process.execPath, [program, socketPath, this.start], {});
    this.#ended = new Promise((resolve) => this.#child.once("exit", resolve).once("error", resolve));
  }

  /** The container is removed, or ends by itself with this process. Idempotent. */
  async end(): Promise<void> {
    this.#child.ref();
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}
