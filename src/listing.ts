/** porthole's public tools for directories: globs, walks and what is known of files. Apart from src/index.ts, for what only opens files need not load them. */
export { expandGlob } from "./expand-glob.ts";
export { compareNames, compileGlob, escapeGlob, type GlobOptions, hasGlob } from "./glob.ts";
