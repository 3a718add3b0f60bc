import { runInThisContext, Script } from "node:vm";

/** Time limit in milliseconds for a regular expression on this thread. */
const DEADLINE_MS = 100;
/** Time limit for an expression that was aborted before: each key may wait for it. */
const NEXT_DEADLINE_MS = 20;

/** Expressions that were aborted, by what the callers identify them with. */
const aborted = new WeakSet<object>();

let script: Script | undefined;
let call: (callback: () => void) => void;

/**
 * Runs `action` and aborts it at the deadline. A regular expression can backtrack without end, and
 * cannot be stopped in another way. Costs 0.4 ms, so use it for many lines at once. Undefined if
 * aborted. Later actions of the same `expression` then have less time.
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
  try {
    script.runInThisContext({ timeout: aborted.has(expression) ? NEXT_DEADLINE_MS : DEADLINE_MS });
    return result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
    aborted.add(expression);
    return undefined;
  } finally {
    call(() => {});
  }
}

/** True for an expression that may backtrack without end: nested repetition or back-references. */
export function mayBacktrack(pattern: string): boolean {
  return (
    /[*+}][?+]?[^()]*\)+[*+{]|\|[^()]*\)+[*+{]|\\[1-9k]|\([^()]*\([^()]*\)[^()]*\)[*+{]/.test(pattern) ||
    /[*+}].*[*+}].*[*+}]/.test(pattern)
  );
}
