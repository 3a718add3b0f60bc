/** Sessions with targets, the files that they open, and the agents that serve them. */

export { detachAgents, detachAll, type LiveAgent, listAgents, prepareMount } from "./agents.ts";
export { connect } from "./connect.ts";
export { insteadOf } from "./consuming.ts";
export { containerOf } from "./container-of.ts";
export { copyOpenFile } from "./copy-open-file.ts";
export { type Compression, compressionOf, decompress } from "./decompress.ts";
export { DecompressedFile, type FillingListener } from "./decompressed-file.ts";
export { type Filter, feedPipe } from "./feed-pipe.ts";
export { followLinks } from "./follow-links.ts";
export { refuseConsuming } from "./local-session.ts";
export { kindOf, type OpenFile } from "./open-file.ts";
export { OutputSpool, type SpoolEvent } from "./output-spool.ts";
export { type Sandbox, startSandbox } from "./sandbox.ts";
export type { DirectoryEntry, FileLayer, Session } from "./session.ts";
