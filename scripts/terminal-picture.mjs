// Draws the screen of a terminal as SVG, for screenshot.mjs and record.mjs.
import stringWidth from "string-width";

/** Pixels of a cell, and around all cells. */
const WIDTH = 8.4;
const HEIGHT = 18;
const PADDING = 12;

export const THEMES = {
  dark: {
    background: "#1b1f24",
    foreground: "#d6dde4",
    palette: [
      ...["#2b3036", "#e06c6c", "#7fc47f", "#d9b865", "#6fa8dc", "#c08bd8", "#5fc0c0", "#c8d0d8"],
      ...["#707a84", "#ff8a8a", "#9be09b", "#f0d68a", "#92c4f5", "#dcaaf0", "#85dede", "#ffffff"],
    ],
  },
  light: {
    background: "#ffffff",
    foreground: "#24292f",
    palette: [
      ...["#24292f", "#b3242d", "#1a7f37", "#8a5a00", "#0b5cad", "#8250df", "#0f7a7a", "#6e7781"],
      ...["#57606a", "#cf222e", "#2da44e", "#bf8700", "#218bff", "#a475f9", "#3192aa", "#8c959f"],
    ],
  },
};

/** Draws the output of `tmux capture-pane -e -N -p`: rows of text with SGR sequences. */
export function svg(text, theme, columns) {
  const rows = drawnRows(text, theme);
  return document(rows.flat(), theme, [columns, rows.length]);
}

/** Returns the SVG elements of each row. */
export function drawnRows(text, theme) {
  let style = {};
  return text
    .replace(/\n$/, "")
    .split("\n")
    .map((row, index) => {
      const drawn = drawnRow(row, style, PADDING + index * HEIGHT, theme);
      // tmux carries the style from row to row.
      style = drawn.style;
      return drawn.parts;
    });
}

/** Returns an SVG document of elements for a terminal of that size. */
export function document(parts, theme, [columns, rows]) {
  const size = [columns * WIDTH + 2 * PADDING, rows * HEIGHT + 2 * PADDING].map(Math.ceil);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size[0]}" height="${size[1]}" viewBox="0 0 ${size[0]} ${size[1]}">`,
    `<rect width="100%" height="100%" rx="6" fill="${theme.background}"/>`,
    `<g font-family="ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace" font-size="14" xml:space="preserve">`,
    ...parts,
    "</g>\n</svg>\n",
  ].join("\n");
}

function drawnRow(row, before, top, theme) {
  const parts = [];
  let style = before;
  let column = 0;
  for (const [, sgr, text] of row.matchAll(/\x1b\[([\d;:]*)m|([^\x1b]+)/g)) {
    if (text === undefined) {
      style = styled(style, sgr, theme);
      continue;
    }
    const columns = stringWidth(text);
    const [ink, paper] = style.reverse
      ? [style.back ?? theme.background, style.fore ?? theme.foreground]
      : [style.fore ?? theme.foreground, style.back];
    const x = (PADDING + column * WIDTH).toFixed(1);
    const span = (columns * WIDTH).toFixed(1);
    if (paper) parts.push(`<rect x="${x}" y="${top}" width="${span}" height="${HEIGHT}" fill="${paper}"/>`);
    if (text.trim() !== "") {
      const look = [
        style.bold && 'font-weight="bold"',
        style.dim && 'opacity="0.6"',
        style.underline && 'text-decoration="underline"',
      ];
      const attributes = [`fill="${ink}"`, ...look.filter(Boolean)].join(" ");
      parts.push(
        `<text x="${x}" y="${top + 14}" textLength="${span}" lengthAdjust="spacingAndGlyphs" ${attributes}>${escaped(text)}</text>`,
      );
    }
    column += columns;
  }
  return { parts, style };
}

/** Returns the style after a sequence (ECMA-48 SGR, with xterm's colours). */
function styled(before, sgr, theme) {
  const codes = sgr.split(/[;:]/).map(Number);
  let style = { ...before };
  for (let index = 0; index < codes.length; index++) {
    const code = codes[index];
    if (code === 0) style = {};
    else if (code === 1) style.bold = true;
    else if (code === 2) style.dim = true;
    else if (code === 4) style.underline = true;
    else if (code === 7) style.reverse = true;
    else if (code === 22) style.bold = style.dim = false;
    else if (code === 24) style.underline = false;
    else if (code === 27) style.reverse = false;
    else if (code >= 30 && code <= 37) style.fore = theme.palette[code - 30];
    else if (code >= 90 && code <= 97) style.fore = theme.palette[code - 82];
    else if (code >= 40 && code <= 47) style.back = theme.palette[code - 40];
    else if (code >= 100 && code <= 107) style.back = theme.palette[code - 92];
    else if (code === 39) style.fore = undefined;
    else if (code === 49) style.back = undefined;
    else if (code === 38 || code === 48) {
      const which = code === 38 ? "fore" : "back";
      if (codes[index + 1] === 5) {
        style[which] = indexed(codes[index + 2], theme);
        index += 2;
      } else {
        style[which] = `rgb(${codes.slice(index + 2, index + 5).join(",")})`;
        index += 4;
      }
    }
  }
  return style;
}

function indexed(number, theme) {
  if (number < 16) return theme.palette[number];
  if (number >= 232)
    return `rgb(${Array(3)
      .fill(8 + (number - 232) * 10)
      .join(",")})`;
  const level = (value) => (value === 0 ? 0 : 55 + value * 40);
  const cube = number - 16;
  return `rgb(${[Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map(level).join(",")})`;
}

function escaped(text) {
  return text.replace(/[&<>]/g, (character) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[character]);
}
