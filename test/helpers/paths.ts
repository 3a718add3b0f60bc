import { fileURLToPath } from "node:url";

/** The repository's root, with a slash at the end. */
export const repository = fileURLToPath(new URL("../../", import.meta.url));
/** Path of the built command. `npm test` builds it before vitest starts. */
export const builtCommand = `${repository}dist/porthole.js`;
/** Path of the built agent. */
export const builtAgent = `${repository}agent/build/porthole-agent`;
