import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import type { Engine } from "../engines/engine.ts";

/**
 * Removes a container that was created but not started if this process is killed: the engine
 * (AutoRemove) removes only what has run. A process of its own (`sidecar-cleaner.ts`), out of this
 * process's group and session, waits for the end of a pipe whose other end only this process has.
 */
export class SidecarGuard implements AsyncDisposable {
  /** Names the start that it guards, in a label of the container. */
  readonly start = randomBytes(8).toString("hex");
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  /** To be created before the container. Where no process can be started, nothing is guarded. */
  constructor({ socketPath }: Engine) {
    const program = fileURLToPath(new URL("./sidecar-cleaner.js", import.meta.url));
    this.#child = spawn(process.execPath, [program, socketPath, this.start], {
      env: {},
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
    this.#ended = new Promise((resolve) => this.#child.once("exit", resolve).once("error", resolve));
    const { stdin } = this.#child;
    // A guard that ended closes the pipe.
    stdin?.on("error", () => undefined);
    // Alone it does not keep this process waiting, such as for an answer that was lost.
    this.#child.unref();
    if (stdin instanceof Socket) stdin.unref();
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
