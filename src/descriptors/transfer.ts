export { type CopyOptions, copyToFd } from "./copy.ts";
export { WRITE_FAILED } from "./errno.ts";
export { type PumpOptions, pumpToFd } from "./pump.ts";
export { dieBySignal } from "./signals.ts";
