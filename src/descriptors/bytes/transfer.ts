export { WRITE_FAILED } from "../errno.ts";
export { dieBySignal } from "../processes/signals.ts";
export { type CopyOptions, copyToFd } from "./copy.ts";
export { type PumpOptions, pumpToFd } from "./pump.ts";
