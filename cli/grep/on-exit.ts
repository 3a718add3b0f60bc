import { dieBySignal } from "../../src/descriptors/index.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

const cleanUps = new Set<() => void>();

/**
 * Calls `action` before a signal or an exit ends this process. Returns a function that cancels
 * this.
 */
export function onExit(action: () => void): () => void {
  if (cleanUps.size === 0) {
    for (const signal of SIGNALS) process.on(signal, onSignal);
    process.on("exit", cleanUp);
  }
  cleanUps.add(action);
  return () => {
    if (!cleanUps.delete(action) || cleanUps.size > 0) return;
    for (const signal of SIGNALS) process.off(signal, onSignal);
    process.off("exit", cleanUp);
  };
}

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
