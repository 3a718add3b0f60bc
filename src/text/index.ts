/** Text tools: bytes to rows, matches and safe text. */

export { characterBoundary, decodeText } from "./encoding/decode.ts";
export {
  boundaryAs,
  decodeAs,
  detectEncoding,
  ENCODINGS,
  type Encoding,
  encodeAs,
  looksBinary,
} from "./encoding/encoding.ts";
export { readJsonLine, unfoldJson } from "./records/json-line.ts";
export { findLevel, type Level } from "./records/levels.ts";
export { HEAD_BYTES, levelOf, RecordHeads, type RecordLevel } from "./records/record-head.ts";
export { parseTime } from "./records/time.ts";
export { parseTimestamp, TimestampReader } from "./records/timestamp.ts";
export { HexDump } from "./rows/hex-dump.ts";
export { HexRows, hexBytesFor, hexRow } from "./rows/hex-rows.ts";
export { visibleBytes, visibleText } from "./rows/hidden-sequences.ts";
export { type LayoutOptions, layoutRow, type Row } from "./rows/layout.ts";
export { type LineSpace, Lines } from "./rows/lines.ts";
export { overlay } from "./rows/marks.ts";
export type { Mark } from "./rows/paint.ts";
export { clusters, sanitiseText } from "./rows/sanitise.ts";
export type { Style, StyleOverlay } from "./rows/sgr.ts";
export { safeLine, TerminalStream } from "./rows/terminal-stream.ts";
export { type Position, Viewport } from "./rows/viewport.ts";
export { clusterWidth, loadWidths } from "./rows/width.ts";
export { WrappedLine, wrapText } from "./rows/wrap.ts";
export { CHUNK, type Query } from "./scan/chunk-counter.ts";
export type { Direction } from "./scan/chunk-range.ts";
export { mayBacktrack, withDeadline } from "./scan/deadline.ts";
export { FilteredLines } from "./scan/filtered-lines.ts";
export { HitMap } from "./scan/hit-map.ts";
export { Hits, type SearchResult } from "./scan/hits.ts";
export { type FoldedLines, isFolded } from "./scan/is-folded.ts";
export { LineIndex } from "./scan/line-index.ts";
export { Scan } from "./scan/scan.ts";
export { ScanPool } from "./scan/scan-pool.ts";
export { scratchFor } from "./scan/scratch.ts";
export type { MatchOptions } from "./search/compile.ts";
export { Matcher } from "./search/matcher.ts";
export { BLOCK, BlockCache } from "./sources/block-cache.ts";
export type { ByteSource, NextData } from "./sources/byte-source.ts";
export { ChainSource, KEPT as KEPT_GENERATIONS, type Note } from "./sources/chain-source.ts";
export { FixedEnd } from "./sources/fixed-end.ts";
export { readableSource } from "./sources/readable-source.ts";
export { regularSource } from "./sources/regular-source.ts";
export { StreamSource } from "./sources/stream-source.ts";
