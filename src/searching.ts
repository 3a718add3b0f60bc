/** porthole's public search of whole files, as ripgrep does it, and hexadecimal dumps, as hexdump(1). Apart from src/index.ts, for what only opens files need not load it. */

export { type DumpOptions, dumpOpenFile } from "./dump-open-file.ts";
export { type SearchOptions, searchOpenFile } from "./search-open-file.ts";
export type { Range } from "./text/grep/block.ts";
export type { MatchOptions } from "./text/grep/compile.ts";
export type { FileSearchOptions } from "./text/grep/file-search.ts";
export { type JsonOptions, JsonPrinter } from "./text/grep/json-printer.ts";
export type { BinaryMode } from "./text/grep/line-buffer.ts";
export { LinePrinter, type LinePrinterOptions } from "./text/grep/line-printer.ts";
export { Matcher } from "./text/grep/matcher.ts";
export { Output } from "./text/grep/output.ts";
export { Scanner } from "./text/grep/scanner.ts";
export { type SeekableFile, searchFile, searchStream } from "./text/grep/search-file.ts";
export type { Line, SearchEnd, Sink } from "./text/grep/sink.ts";
export { type SummaryOptions, SummaryPrinter } from "./text/grep/summary-printer.ts";
export { HexDump, type HexDumpOptions } from "./text/hex-dump.ts";
