/** Colours that a terminal can show; 0 if it has only attributes. */
export type ColourDepth = 0 | 8 | 16 | 256 | "all";

/** Terminals of terminfo(5) without colours, and those whose entries have 8 colours. */
const WITHOUT = /^(?:vt[1-5]\d\d|dumb|ansi-m|.*-mono|.*-m)(?:-|$)/;
const EIGHT = /^(?:linux|screen|ansi|cygwin|eterm|Eterm|.*-8color)(?:$|[.-])/;
const MORE = /256|kitty|ghostty|alacritty|wezterm|foot/;

/** Determines the depth from COLORTERM, and from TERM by the names of terminfo entries. */
export function colourDepth({ COLORTERM, TERM = "" }: NodeJS.ProcessEnv): ColourDepth {
  if (/^(truecolor|24bit)$/.test(COLORTERM ?? "") || /-direct$/.test(TERM)) return "all";
  if (MORE.test(TERM)) return 256;
  if (WITHOUT.test(TERM)) return 0;
  return EIGHT.test(TERM) ? 8 : 16;
}

/** Replaces the colours of a style by the nearest ones of the depth. */
export function reduceColours(style: string, depth: ColourDepth): string {
  if (depth === "all") return style;
  const reduced = style.replace(/([34])8;2;(\d+);(\d+);(\d+)/g, (_, ground, ...parts) => {
    const wanted = parts.slice(0, 3).map(Number);
    return depth === 256 ? `${ground}8;5;${nearest(wanted)}` : basic(Number(ground), nearestOf(PALETTE, wanted));
  });
  return depth === 8 ? reduced.split(";").map(withoutBright).join(";") : reduced;
}

/** The 16 colours as xterm shows them. */
const PALETTE = [
  ...[
    [0, 0, 0],
    [205, 0, 0],
    [0, 205, 0],
    [205, 205, 0],
    [0, 0, 238],
    [205, 0, 205],
    [0, 205, 205],
    [229, 229, 229],
  ],
  ...[
    [127, 127, 127],
    [255, 0, 0],
    [0, 255, 0],
    [255, 255, 0],
    [92, 92, 255],
    [255, 0, 255],
    [0, 255, 255],
  ],
  [255, 255, 255],
];

/** Returns the SGR parameter of one of the 16 colours. `ground`: 3 for text, 4 for background. */
function basic(ground: number, colour: number): string {
  return String(colour < 8 ? ground * 10 + colour : ground * 10 + 60 + colour - 8);
}

/**
 * Replaces bright colours for a terminal with 8 colours, which shows bold letters as bright. A
 * bright black background becomes reverse video.
 */
function withoutBright(parameter: string): string {
  const number = Number(parameter);
  if (number >= 90 && number <= 97) return `1;${number - 60}`;
  if (number === 100) return "7";
  return number > 100 && number <= 107 ? String(number - 60) : parameter;
}

const CUBE = [0, 95, 135, 175, 215, 255];
const GREYS = Array.from({ length: 24 }, (_, step) => 8 + 10 * step);
/** The colours 16 to 255 of xterm: a cube of six levels each, and greys. */
const XTERM = [
  ...CUBE.flatMap((red) => CUBE.flatMap((green) => CUBE.map((blue) => [red, green, blue]))),
  ...GREYS.map((grey) => [grey, grey, grey]),
];

function nearest(wanted: readonly number[]): number {
  return 16 + nearestOf(XTERM, wanted);
}

/** Returns the index of the nearest colour. */
function nearestOf(colours: readonly (readonly number[])[], wanted: readonly number[]): number {
  const distance = (colour: readonly number[]) =>
    colour.reduce((sum, part, at) => sum + (part - (wanted[at] ?? 0)) ** 2, 0);
  const distances = colours.map(distance);
  return distances.indexOf(Math.min(...distances));
}
