export { type CopyOptions, copyToFd, isWritable } from "./copy.ts";
export { pumpToFd } from "./pump.ts";
export { dieOf } from "./signals.ts";
