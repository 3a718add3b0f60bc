import type { OutputPath } from "../../target.ts";
import type { Engine } from "../api/engine-address.ts";

/** A container and its output. */
export interface OutputContainer {
  engine: Engine;
  /** 64 hexadecimal digits. */
  id: string;
  name: string;
  isRunning: boolean;
  /** Distinguishes runs of one container. */
  startedAt: string;
  exitCode: number | undefined;
  isPodman: boolean;
  /** True if the container has a terminal, which merges both streams. */
  hasTerminal: boolean;
  /** True if the engine rotates the log, so that its streams may omit records. */
  rotatesLog?: boolean;
  /** The node's log of a pod's container. The CRI has no request for output. */
  log?: CriLog;
}

/** A write of a container, as the engine stores it: a line, or a part of a long line. */
export interface OutputRecord {
  stream: "stdout" | "stderr";
  /** The engine's timestamp in nanoseconds since 1970; undefined if not requested or invalid. */
  time: bigint | undefined;
  bytes: Buffer;
}

/** Options of {@link outputRecords}. */
export interface OutputOptions {
  path: OutputPath;
  /** Requests timestamps. Without frames (terminal), records then are lines. */
  timestamps?: boolean;
  /** Continues with new records until the container ends. */
  follow?: boolean;
  /** Nanoseconds since 1970, inclusive. */
  since?: bigint | undefined;
  /** Maximum number of most recent records, both streams together. */
  tail?: number | undefined;
  signal: AbortSignal;
}

/** The log of a pod's container. */
export interface CriLog {
  path: string;
  /** Host pid of its first process; 0 if it has none. */
  pid: number;
  /** Resolves with true once the runtime reports that the container has stopped. */
  hasEnded(): Promise<boolean>;
}
