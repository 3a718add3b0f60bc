import { readFileSync } from "node:fs";
import { runInThisContext, Script } from "node:vm";

/** Time limit in milliseconds for a regular expression on this thread: a key may wait for it. */
const DEADLINE_MS = 8;
/** Time limit for an expression that was aborted before: each key may wait for it. */
const NEXT_DEADLINE_MS = 4;
/** Number of attempts if this thread did not run during most of the time. */
const ATTEMPTS = 4;

/** Expressions that were aborted, by what the callers identify them with. */
const aborted = new WeakSet<object>();

let script: Script | undefined;
let call: (callback: () => void) => void;

/**
 * Runs `action` and aborts it at the deadline. A regular expression can backtrack without end, and
 * cannot be stopped in another way. Costs 0.2 ms, so use it for many lines at once. Undefined if
 * aborted. Later actions of the same `expression` then have less time. The action may run several
 * times.
 */
export function withDeadline<T>(expression: object, action: () => T): T | undefined {
  if (!script) {
    // A function of the context passes the callback: a script takes no arguments.
    const box: { set: (callback: () => void) => void; run: Script } = {
      set: runInThisContext(
        "(() => { let f; globalThis[Symbol.for('porthole.deadline')] = () => f(); return (g) => { f = g; }; })()",
      ),
      run: new Script("globalThis[Symbol.for('porthole.deadline')]()"),
    };
    script = box.run;
    call = box.set;
  }
  let result: T | undefined;
  call(() => {
    result = action();
  });
  const timeout = aborted.has(expression) ? NEXT_DEADLINE_MS : DEADLINE_MS;
  try {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const before = threadMs();
      if (!isAborted(script, timeout)) return result;
      if (threadMs() - before > timeout / 2) break;
    }
    aborted.add(expression);
    return undefined;
  } finally {
    call(() => {});
  }
}

function isAborted(run: Script, timeout: number): boolean {
  try {
    run.runInThisContext({ timeout });
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
    return true;
  }
}

/**
 * Processor time of this thread in milliseconds. The limit is one of elapsed time, so on a busy
 * machine it may pass before the expression has run. Falls back to elapsed time.
 */
function threadMs(): number {
  try {
    return Number.parseInt(readFileSync("/proc/thread-self/schedstat", "latin1"), 10) / 1e6;
  } catch {
    return performance.now();
  }
}

/** True for an expression that may backtrack without end: nested repetition or back-references. */
export function mayBacktrack(pattern: string): boolean {
  return (
    /[*+}][?+]?[^()]*\)+[*+{]|\|[^()]*\)+[*+{]|\\[1-9k]|\([^()]*\([^()]*\)[^()]*\)[*+{]/.test(pattern) ||
    /[*+}].*[*+}].*[*+}]/.test(pattern)
  );
}
