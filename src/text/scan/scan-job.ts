import type { SourcePart } from "../sources/byte-source.ts";
import type { Query } from "./chunk-counter.ts";

/**
 * A stretch of chunks to scan. The sender owns the descriptors, and waits for the reply before
 * closing any of them.
 */
export interface ScanJob {
  id: number;
  /** Jobs of one scan share the query, so its compiled form is reused. */
  scan: number;
  query: Query;
  /** The number of hits of each chunk, or the positions of the hits of one chunk. */
  wanted: "counts" | "positions";
  parts: SourcePart[];
  from: number;
  to: number;
  /** One int32 in shared memory: nonzero when the scan is cancelled. Checked before each chunk. */
  cancelled: SharedArrayBuffer;
  /** One int32 in shared memory, a {@link JobState}. */
  state: SharedArrayBuffer;
}

/** A compare-and-swap from `waits` decides between running and revoking the job. */
export const JobState = { waits: 0, taken: 1, revoked: 2 } as const;

export type ScanReply =
  /** `counts`: of the first chunks of the stretch; a slow expression does not reach its end. */
  | { id: number; kind: "counted"; counts: Uint32Array }
  | { id: number; kind: "located"; positions: Float64Array }
  | { id: number; kind: "cancelled" }
  | { id: number; kind: "failed"; message: string };
