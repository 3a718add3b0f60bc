import type { SourcePart } from "../sources/byte-source.ts";
import type { Query } from "./chunk-counter.ts";

/** A stretch of chunks to look through. The descriptors stay the sender's, who waits for the answer before closing one. */
export interface ScanJob {
  id: number;
  /** Jobs of one scan have one query: what was prepared for it is kept. */
  scan: number;
  query: Query;
  parts: SourcePart[];
  from: number;
  to: number;
  /** One int32 in shared memory: not zero when the scan is over. Looked at before each chunk. */
  cancelled: SharedArrayBuffer;
  /** One int32 in shared memory, a {@link JobState}. */
  state: SharedArrayBuffer;
}

/** Whoever changes it from `waits` decides what becomes of the job. */
export const JobState = { waits: 0, taken: 1, revoked: 2 } as const;

export type ScanReply =
  | { id: number; kind: "counted"; counts: Uint32Array }
  | { id: number; kind: "cancelled" }
  | { id: number; kind: "failed"; message: string };
