export { type CopyOptions, copyToFd } from "./copy.ts";
export { pumpToFd } from "./pump.ts";
export { dieOf } from "./signals.ts";
