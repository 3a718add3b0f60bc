import { prepareExit } from "../../../../src/descriptors/index.ts";

/** Signals that end the screen, with the status that a shell would report for them. */
const ENDING = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGQUIT: 131 } as const;

/** Maximum bytes of deferred output from other code, printed once the terminal is restored. */
const MAX_DEFERRED = 64 * 1024;

export interface GuardHandlers {
  /** Restores the terminal. Synchronous and idempotent. */
  restore(): void;
  /** A signal requests the end with this status. */
  end(status: number): void;
  /** Handles uncaught exceptions and rejections. */
  fail(error: unknown): void;
  /** Handles SIGTSTP: the process is about to stop. */
  suspend(): void;
  /** Handles SIGCONT: the process continues. */
  resume(): void;
}

/** Handles every way in which the process can end or stop while the screen is shown. */
export class ProcessGuard implements Disposable {
  /** What to do. The first page has handlers of its own, until the program replaces them. */
  handlers: GuardHandlers;
  readonly #undo: (() => void)[] = [];

  constructor(handlers: GuardHandlers) {
    this.handlers = handlers;
    prepareExit();
    for (const [signal, status] of Object.entries(ENDING)) this.#on(signal, () => this.handlers.end(status));
    this.#on("SIGTSTP", this.onStop);
    this.#on("SIGCONT", () => this.handlers.resume());
    this.#on("exit", () => this.handlers.restore());
    const fail = (error: unknown): void => this.handlers.fail(error);
    this.#undo.push(takeOver("uncaughtException", fail), takeOver("unhandledRejection", fail));
  }

  /** The listener of SIGTSTP: without it, this process stops as any other. */
  readonly onStop = (): void => this.handlers.suspend();

  #on(event: string, listener: () => void): void {
    const emitter: NodeJS.EventEmitter = process;
    emitter.on(event, listener);
    this.#undo.push(() => emitter.off(event, listener));
  }

  /** Undoes all of this. */
  [Symbol.dispose](): void {
    for (const undo of this.#undo.splice(0)) undo();
  }
}

/**
 * Replaces all listeners by `listener`: other listeners would report, or exit, before the terminal
 * is restored. Returns a function that undoes this.
 */
function takeOver(
  event: "uncaughtException" | "unhandledRejection" | "warning",
  listener: (error: Error) => void,
): () => void {
  const emitter: NodeJS.EventEmitter = process;
  const others = emitter.listeners(event);
  emitter.removeAllListeners(event);
  emitter.addListener(event, listener);
  return () => {
    emitter.off(event, listener);
    for (const other of others) emitter.addListener(event, other as (error: Error) => void);
  };
}

/**
 * Defers stdout, stderr and Node's warnings. Returns a function that prints them and ends this.
 */
export function holdOutput(): () => void {
  const held: { stream: NodeJS.WriteStream; chunk: string | Uint8Array }[] = [];
  let size = 0;
  const streams = [process.stdout, process.stderr].map((stream) => {
    const write = stream.write;
    const hold = (chunk: string | Uint8Array): boolean => {
      size += chunk.length;
      if (size <= MAX_DEFERRED) held.push({ stream, chunk });
      return true;
    };
    stream.write = hold;
    return { stream, write };
  });
  // Node does not print warnings through these streams.
  const giveBack = takeOver("warning", ({ name, message }) => process.stderr.write(`${name}: ${message}\n`));
  return () => {
    giveBack();
    for (const { stream, write } of streams) stream.write = write;
    for (const { stream, chunk } of held) stream.write(chunk);
  };
}
