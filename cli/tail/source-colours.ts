/** Colours that tell sources apart, as SGR parameters. Bright enough on dark and light grounds: cyan, green, yellow, magenta, blue, and the same bold. */
export const SOURCE_COLOURS = ["36", "32", "33", "35", "34", "36;1", "32;1", "33;1", "35;1", "34;1"] as const;
