/**
 * Colours that tell sources apart, as SGR parameters: cyan, green, magenta, blue, and the same bold. Yellow letters are not seen on light grounds, and
 * red ones say that something is wrong.
 */
export const SOURCE_COLOURS = ["36", "32", "35", "34", "36;1", "32;1", "35;1", "34;1"] as const;
