/** Porthole on other kernels: its own image, and the places that run it. */
export { dialler } from "./dial.ts";
export { drained } from "./drained.ts";
export { recordedEngines } from "./engine-records.ts";
export { linkOwnEngine } from "./find-engine.ts";
export { hasContainer } from "./has-container.ts";
export { type HelperPlace, type HelperPlaceOptions, helperPlace } from "./helper-place.ts";
export { helperAgents, removeHelpers } from "./helpers.ts";
export { describeImage, imagePieces } from "./image.ts";
export { ENGINE_VARIABLES, isInHelper, isInImage } from "./in-helper.ts";
export { AGENT_IN_IMAGE, installedFiles } from "./installation.ts";
export { loadImage } from "./load-image.ts";
export { urlCommand } from "./long-command.ts";
export type { Place } from "./place.ts";
export { type PlaceEnd, runThere, type StreamKind, type Streams } from "./run-there.ts";
export { beginConnection, type SshConnection } from "./ssh-connection.ts";
