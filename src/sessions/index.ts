/** Sessions with targets, the files that they open, and the agents that serve them. */

export { detachAgents, detachAll, type LiveAgent, listAgents, prepareMount } from "./agent/agents.ts";
export { connect } from "./connect.ts";
export { containerOf } from "./container-of.ts";
export { copyOpenFile } from "./copies/copy-open-file.ts";
export { type Compression, compressionOf, decompress } from "./decompressed/decompress.ts";
export { DecompressedFile, type FillingListener } from "./decompressed/decompressed-file.ts";
export { type Filter, feedPipe } from "./feed-pipe.ts";
export { insteadOf } from "./interface/consuming.ts";
export { followLinks } from "./interface/follow-links.ts";
export { kindOf, type OpenFile } from "./interface/open-file.ts";
export type { DirectoryEntry, FileLayer, Session } from "./interface/session.ts";
export { refuseConsuming } from "./local/local-session.ts";
export { OutputSpool, type SpoolEvent } from "./output/output-spool.ts";
export { type Sandbox, startSandbox } from "./sandbox.ts";
