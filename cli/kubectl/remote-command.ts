/** porthole in its image: src/elsewhere/installation.ts puts it there. */
export const PORTHOLE_IN_IMAGE: readonly string[] = ["/usr/local/bin/node", "/porthole/dist/porthole.js"];
