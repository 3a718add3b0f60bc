import { PortholeError } from "../../src/errors.ts";

/** One thing that was looked at. The documented schema of `porthole doctor --json`. */
export interface Finding {
  /** `warn`: something does not work, or not as well as it could; `fail`: nothing works without it. */
  status: "ok" | "warn" | "fail";
  what: string;
  detail: string;
  /** What to do about it. */
  remedy?: string | undefined;
}

/** A check that throws has failed, with the error's words. */
export function guarded(what: string, check: () => Finding): Finding {
  try {
    return check();
  } catch (error) {
    return failed(what, error);
  }
}

export function failed(what: string, error: unknown, status: Finding["status"] = "fail"): Finding {
  const detail = error instanceof Error ? error.message : String(error);
  return { status, what, detail, remedy: error instanceof PortholeError ? error.hint : undefined };
}
