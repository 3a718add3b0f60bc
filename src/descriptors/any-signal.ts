/** The sources of each signal that {@link anySignal} has returned. */
const sources = new WeakMap<AbortSignal, readonly AbortSignal[]>();

/**
 * AbortSignal.any(), whose result keeps its sources. Node 20 collects them otherwise: a timeout
 * among them then never aborts.
 */
export function anySignal(signals: AbortSignal[]): AbortSignal {
  const any = AbortSignal.any(signals);
  sources.set(any, signals);
  return any;
}
