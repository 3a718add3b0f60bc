import { dieBySignal } from "../../src/descriptors/index.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

const cleanUps = new Set<() => void>();

/** Has `cleanUp` called before a signal or an exit ends this process. Returns the end of that. */
export function onExit(one: () => void): () => void {
  if (cleanUps.size === 0) {
    for (const signal of SIGNALS) process.on(signal, onSignal);
    process.on("exit", cleanUp);
  }
  cleanUps.add(one);
  return () => {
    if (!cleanUps.delete(one) || cleanUps.size > 0) return;
    for (const signal of SIGNALS) process.off(signal, onSignal);
    process.off("exit", cleanUp);
  };
}

/** Calls what waits for the end, the latest first. */
export function cleanUp(): void {
  for (const one of [...cleanUps].reverse()) {
    cleanUps.delete(one);
    try {
      one();
    } catch {}
  }
}

function onSignal(signal: NodeJS.Signals): void {
  cleanUp();
  dieBySignal(signal);
}
