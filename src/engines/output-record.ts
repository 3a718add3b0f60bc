import type { OutputPath } from "../target.ts";
import type { Engine } from "./engine-address.ts";

/** A container whose output is read. */
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
  /** A terminal merges both streams. */
  hasTerminal: boolean;
  /** The engine rotates the log, and its streams may leave out what it rotates meanwhile. */
  rotatesLog?: boolean;
  /** Of a pod's container: where its node has its output. Its engine has no request for it. */
  log?: CriLog;
}

/** What the container wrote at once, as the engine stores it: a line, or a part of a long one. */
export interface OutputRecord {
  stream: "stdout" | "stderr";
  /** The engine's timestamp in nanoseconds since 1970; undefined if not requested or invalid. */
  time: bigint | undefined;
  bytes: Buffer;
}

/** Options of {@link outputRecords}. */
export interface OutputOptions {
  path: OutputPath;
  /** Request timestamps. Without frames (terminal), records then are lines. */
  timestamps?: boolean;
  /** Continue with new records until the container ends. */
  follow?: boolean;
  /** Nanoseconds since 1970, inclusive. */
  since?: bigint | undefined;
  /** Maximum number of last records, of both streams together. */
  tail?: number | undefined;
  signal: AbortSignal;
}

/** The output of a pod's container. */
export interface CriLog {
  path: string;
  /** Host pid of its first process; 0 if it has none. */
  pid: number;
  /** Resolves with true once the runtime reports that the container does not run. */
  hasEnded(): Promise<boolean>;
}
