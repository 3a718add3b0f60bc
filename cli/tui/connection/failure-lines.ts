/** Formats a failure with its remedy in one line. */
export function failureLine(error: unknown): string {
  const { message = String(error), hint } = (error ?? {}) as { message?: string; hint?: string };
  return hint === undefined ? message : `${message} (${hint})`;
}

/** Formats a failure as lines for the middle of a screen. `retry`: the key that tries again. */
export function failureLines(error: unknown, retry: string): string[] {
  const { message = String(error), hint } = (error ?? {}) as { message?: string; hint?: string };
  return [message, ...(hint === undefined ? [] : [hint]), `${retry} retries`];
}
