import { dieBySignal } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Pending actions. A signal aborts them before the process ends. All of them share one set of
 * handlers.
 */
const underWay = new Set<AbortController>();
let received: (typeof signals)[number] | undefined;

/**
 * Runs an action with a signal handler. A signal aborts the action, which cleans up; then the
 * process ends by that signal. The handler exists from the action's first call of the function that
 * it gets: a small command, which has nothing to clean up, needs none (docs/decisions.md).
 * @throws PortholeError CANCELLED after a signal
 */
export async function interruptible<T>(action: (signal: () => AbortSignal) => Promise<T>): Promise<T> {
  if (received !== undefined) throw new PortholeError("CANCELLED", `interrupted by ${received}`);
  let controller: AbortController | undefined;
  try {
    return await action(() => {
      controller ??= begin();
      return controller.signal;
    });
  } finally {
    if (controller !== undefined) await end(controller);
  }
}

function begin(): AbortController {
  const controller = new AbortController();
  if (underWay.size === 0) for (const signal of signals) process.on(signal, onSignal);
  underWay.add(controller);
  return controller;
}

async function end(controller: AbortController): Promise<void> {
  await nextPoll();
  underWay.delete(controller);
  if (underWay.size > 0) return;
  for (const signal of signals) process.off(signal, onSignal);
  if (received !== undefined) dieBySignal(received);
}

/**
 * Resolves when the event loop has polled. It delivers signals only then: a handler that is removed
 * before loses a signal that has arrived.
 */
function nextPoll(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

function onSignal(signal: NodeJS.Signals): void {
  // After a second signal, does not wait for the cleanup.
  if (received !== undefined) dieBySignal(received);
  received = signal as (typeof signals)[number];
  for (const controller of underWay) controller.abort();
}
