/**
 * Colours of sources, as SGR parameters: cyan, green, magenta, blue, and the same in bold. Yellow
 * is not readable on a light background, and red means an error.
 */
export const SOURCE_COLOURS = ["36", "32", "35", "34", "36;1", "32;1", "35;1", "34;1"] as const;
