/** A text style as SGR parameters (ECMA-48 8.3.117). */
export interface Style {
  readonly foreground: string;
  readonly background: string;
  /**
   * Attributes as parameters, ascending: bold 1, dim 2, italic 3, underline 4, reverse 7, crossed
   * out 9.
   */
  readonly attributes: readonly number[];
}

export const PLAIN: Style = { foreground: "", background: "", attributes: [] };

// Blink (5, 6) distracts and conceal (8) hides text: both are ignored.
const ON = new Set([1, 2, 3, 4, 7, 9]);
const OFF: Readonly<Record<number, readonly number[]>> = { 22: [1, 2], 23: [3], 24: [4], 27: [7], 29: [9] };

/** The style after one SGR sequence. Ignores unknown parameters. */
export function applySgr(style: Style, parameters: string): Style {
  const values = parameters.split(/[;:]/).map((value) => Number(value));
  let { foreground, background, attributes } = style;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (value === 0) [foreground, background, attributes] = ["", "", []];
    else if (ON.has(value)) attributes = [...new Set([...attributes, value])].sort((a, b) => a - b);
    else if (OFF[value]) attributes = attributes.filter((attribute) => !OFF[value]?.includes(attribute));
    else if ((value >= 30 && value <= 37) || (value >= 90 && value <= 97)) foreground = String(value);
    else if ((value >= 40 && value <= 47) || (value >= 100 && value <= 107)) background = String(value);
    else if (value === 39) foreground = "";
    else if (value === 49) background = "";
    else if (value === 38 || value === 48) {
      const colour = extendedColour(values, i);
      if (!colour) break;
      if (value === 38) foreground = colour.join(";");
      else background = colour.join(";");
      i += colour.length - 1;
    }
  }
  return { foreground, background, attributes };
}

/** Returns the sequence that sets `style`, independent of the current style. */
export function sgrFor(style: Style): string {
  const parameters = [...style.attributes, style.foreground, style.background].filter((parameter) => parameter !== "");
  return parameters.length === 0 ? "\x1b[m" : `\x1b[0;${parameters.join(";")}m`;
}

/** A change of style: colours as parameters; attributes are added, reverse video is toggled. */
export interface StyleOverlay {
  foreground?: string;
  attributes?: readonly number[];
}

const REVERSE: StyleOverlay = { attributes: [7] };

/**
 * Applies a style, by default reverse video, which is toggled so that it is visible on reversed
 * text.
 */
export function overlayStyle(style: Style, look: StyleOverlay = REVERSE): Style {
  let attributes = style.attributes;
  for (const attribute of look.attributes ?? []) {
    if (!attributes.includes(attribute)) attributes = [...attributes, attribute].sort((a, b) => a - b);
    else if (attribute === 7) attributes = attributes.filter((value) => value !== 7);
  }
  return { foreground: look.foreground ?? style.foreground, background: style.background, attributes };
}

/** Parses `38;5;n` or `38;2;r;g;b` at `at`. Every component is a byte. */
function extendedColour(values: readonly number[], at: number): number[] | undefined {
  const length = values[at + 1] === 5 ? 3 : values[at + 1] === 2 ? 5 : 0;
  const colour = values.slice(at, at + length);
  if (length === 0 || colour.length < length || colour.some((value) => !(value >= 0 && value <= 255))) return undefined;
  return colour;
}
