import { messageOf, PortholeError } from "../../src/errors.ts";

/** The result of one check. The documented schema of `porthole doctor --json`. */
export interface Finding {
  /** `warn`: a feature does not work or is degraded; `fail`: porthole does not work. */
  status: "ok" | "warn" | "fail";
  what: string;
  detail: string;
  /** Says how to fix the problem. */
  remedy?: string | undefined;
}

/** Runs a check; an error becomes a failed finding. */
export function guarded(what: string, check: () => Finding): Finding {
  try {
    return check();
  } catch (error) {
    return failed(what, error);
  }
}

export function failed(what: string, error: unknown, status: Finding["status"] = "fail"): Finding {
  const detail = messageOf(error);
  return { status, what, detail, remedy: error instanceof PortholeError ? error.hint : undefined };
}
