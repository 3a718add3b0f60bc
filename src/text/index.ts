/** porthole's public text tools: bytes of a file to rows, matches and safe text. Apart from src/index.ts, for what only passes bytes on need not load them. */
export { BlockCache } from "./block-cache.ts";
export type { ByteSource } from "./byte-source.ts";
export { characterBoundary, decodeText } from "./decode.ts";
export { type LayoutOptions, layoutRow, type Mark, type Row } from "./layout.ts";
export { Lines } from "./lines.ts";
export { compilePattern, type Pattern } from "./pattern.ts";
export { regularSource } from "./regular-source.ts";
export { clusters, sanitiseText } from "./sanitise.ts";
export { Searcher, type SearchOutcome } from "./searcher.ts";
export { STREAM_CAPACITY, StreamSource } from "./stream-source.ts";
export { safeLine, TerminalStream } from "./terminal-stream.ts";
export { Viewport } from "./viewport.ts";
export { clusterWidth, loadWidths } from "./width.ts";
