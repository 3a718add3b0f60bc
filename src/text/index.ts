/** porthole's public text tools: bytes of a file to rows, matches and safe text. Apart from src/index.ts, for what only passes bytes on need not load them. */
export { BLOCK, BlockCache } from "./block-cache.ts";
export type { ByteSource, NextData, SourcePart } from "./byte-source.ts";
export { ChainSource, type Note } from "./chain-source.ts";
export { CHUNK, type Query } from "./chunk-counter.ts";
export { mayTakeForEver, withDeadline } from "./deadline.ts";
export { characterBoundary, decodeText } from "./decode.ts";
export {
  boundaryAs,
  decodeAs,
  detectEncoding,
  ENCODINGS,
  type Encoding,
  encodeAs,
  looksBinary,
} from "./encoding.ts";
export { FilteredLines } from "./filtered-lines.ts";
export type { MatchOptions } from "./grep/compile.ts";
export { Matcher } from "./grep/matcher.ts";
export { HexRows, hexBytesFor, hexRow } from "./hex-rows.ts";
export { type Found, Hits } from "./hits.ts";
export { readJsonLine, unfoldJson } from "./json-line.ts";
export { type LayoutOptions, layoutRow, type Row } from "./layout.ts";
export { findLevel, type Level } from "./levels.ts";
export { LineIndex } from "./line-index.ts";
export { type LineSpace, Lines } from "./lines.ts";
export { overlay } from "./marks.ts";
export type { Mark } from "./paint.ts";
export { readableSource } from "./readable-source.ts";
export { regularSource } from "./regular-source.ts";
export { clusters, sanitiseText } from "./sanitise.ts";
export { Scan } from "./scan.ts";
export { ScanPool } from "./scan-pool.ts";
export { scratchFor } from "./scratch.ts";
export { dressed, type Look, type Style } from "./sgr.ts";
export { STREAM_CAPACITY, StreamSource } from "./stream-source.ts";
export type { Direction } from "./stretch.ts";
export { safeLine, TerminalStream } from "./terminal-stream.ts";
export { type Place, Viewport } from "./viewport.ts";
export { clusterWidth, loadWidths } from "./width.ts";
export { WrappedLine, wrapText } from "./wrap.ts";
