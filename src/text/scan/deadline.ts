import { runInThisContext, Script } from "node:vm";

/** Longest that an expression may take on this thread. */
const DEADLINE_MS = 100;

let script: Script | undefined;
let call: (callback: () => void) => void;

/**
 * Runs `action`, and ends it when it takes too long: a regular expression may take for ever on one line, and nothing else can stop it. Costs 0.4 ms, so
 * that it is for many lines at once. Undefined when it was ended.
 */
export function withDeadline<T>(action: () => T): T | undefined {
  if (!script) {
    // The callback is handed over by a function of the context's own: a script takes no arguments.
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
    script.runInThisContext({ timeout: DEADLINE_MS });
    return result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") return undefined;
    throw error;
  } finally {
    call(() => {});
  }
}

/** True for an expression that may take for ever: what repeats is repeated, or it looks back at what it found. */
export function mayTakeForEver(pattern: string): boolean {
  return (
    /[*+}][?+]?[^()]*\)+[*+{]|\|[^()]*\)+[*+{]|\\[1-9k]|\([^()]*\([^()]*\)[^()]*\)[*+{]/.test(pattern) ||
    /[*+}].*[*+}].*[*+}]/.test(pattern)
  );
}
