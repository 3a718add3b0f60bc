import { dieBySignal } from "../../src/descriptors/index.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

const cleanUps = new Set<() => void>();

/**
 * Calls `action` before a signal or an exit ends this process. Returns a function that cancels
 * this.
 */
export function onExit(action: () => void): () => void {
  if (!isPrepared) {
    // They stay: without actions, a signal ends the process as it would without them.
    for (const signal of SIGNALS) process.on(signal, onSignal);
    process.on("exit", cleanUp);
    isPrepared = true;
  }
  cleanUps.add(action);
  return () => void cleanUps.delete(action);
}

let isPrepared = false;

/** Runs the pending actions, the latest first. */
export function cleanUp(): void {
  for (const action of [...cleanUps].reverse()) {
    cleanUps.delete(action);
    try {
      action();
    } catch {}
  }
}

function onSignal(signal: NodeJS.Signals): void {
  cleanUp();
  dieBySignal(signal);
}
