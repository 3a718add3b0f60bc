export { type CopyOptions, copyToFd, isWritable, WRITE_FAILED } from "./copy.ts";
export { type PumpOptions, pumpToFd } from "./pump.ts";
export { dieBySignal } from "./signals.ts";
