// Makes the README's pictures: runs the built command in a real terminal (tmux) on containers of
// the demo, and draws what is on its screen as SVG. It needs tmux, root, and an engine on which
// docker/demo/up.sh has run (DOCKER_HOST names it; its name is in the picture).
//
//     node scripts/screenshot.mjs
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import stringWidth from "string-width";

process.chdir(fileURLToPath(new URL("../", import.meta.url)));
const COLUMNS = 100;
const ROWS = 26;
const BACKGROUND = "#1b1f24";
const FOREGROUND = "#d6dde4";
const PALETTE = [
  ...["#2b3036", "#e06c6c", "#7fc47f", "#d9b865", "#6fa8dc", "#c08bd8", "#5fc0c0", "#c8d0d8"],
  ...["#707a84", "#ff8a8a", "#9be09b", "#f0d68a", "#92c4f5", "#dcaaf0", "#85dede", "#ffffff"],
];
const pictures = {
  containers: { args: [], until: /rotating/ },
  log: { args: ["demo"], keys: ["/", "[5-9][0-9] ms", "Enter"], until: /request 1[5-9]/ },
};

mkdirSync("docs/pictures", { recursive: true });
const directory = mkdtempSync(`${tmpdir()}/porthole-screen-`);
const terminal = (...args) =>
  spawnSync("tmux", ["-S", `${directory}/tmux`, "-f", "/dev/null", ...args], { encoding: "utf8" });
try {
  for (const [name, { args, keys = [], until }] of Object.entries(pictures)) {
    const command = ["node", `${process.cwd()}/dist/porthole.js`, ...args].map((word) => `'${word}'`).join(" ");
    const environment = ["-e", "COLORTERM=truecolor", "-e", `DOCKER_HOST=${process.env.DOCKER_HOST ?? ""}`];
    terminal("new-session", "-d", "-x", String(COLUMNS), "-y", String(ROWS), ...environment, command);
    await shown(until);
    for (const key of keys) terminal("send-keys", key);
    await settled();
    writeFileSync(`docs/pictures/${name}.svg`, svg(terminal("capture-pane", "-e", "-N", "-p").stdout));
    terminal("kill-server");
  }
} finally {
  terminal("kill-server");
  rmSync(directory, { recursive: true, force: true });
}

/** Waits until the screen contains the text. */
async function shown(pattern) {
  const end = Date.now() + 30_000;
  while (!pattern.test(terminal("capture-pane", "-p").stdout)) {
    if (Date.now() > end)
      throw new Error(`the screen never showed ${pattern}:\n${terminal("capture-pane", "-p").stdout}`);
    await pause(100);
  }
}

/**
 * Waits until nothing but a growing log changes any more: two looks with the same first line, a
 * while apart.
 */
async function settled() {
  await pause(2000);
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Draws rows of text with SGR sequences. */
function svg(text) {
  const width = 8.4;
  const height = 18;
  const rows = text.replace(/\n$/, "").split("\n");
  const parts = rows.flatMap((row, index) => drawn(row, 12 + index * height, width, height));
  const size = [COLUMNS * width + 24, rows.length * height + 24].map(Math.ceil);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size[0]}" height="${size[1]}" viewBox="0 0 ${size[0]} ${size[1]}">`,
    `<rect width="100%" height="100%" rx="6" fill="${BACKGROUND}"/>`,
    `<g font-family="ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace" font-size="14" xml:space="preserve">`,
    ...parts,
    "</g>\n</svg>\n",
  ].join("\n");
}

function drawn(row, top, width, height) {
  const parts = [];
  let style = {};
  let column = 0;
  for (const [, sgr, text] of row.matchAll(/\x1b\[([\d;:]*)m|([^\x1b]+)/g)) {
    if (text === undefined) {
      style = styled(style, sgr);
      continue;
    }
    const columns = stringWidth(text);
    const [ink, paper] = style.reverse
      ? [style.back ?? BACKGROUND, style.fore ?? FOREGROUND]
      : [style.fore ?? FOREGROUND, style.back];
    const x = (12 + column * width).toFixed(1);
    const span = (columns * width).toFixed(1);
    if (paper) parts.push(`<rect x="${x}" y="${top}" width="${span}" height="${height}" fill="${paper}"/>`);
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
  return parts;
}

/** The style after a sequence (ECMA-48 SGR, with xterm's colours). */
function styled(before, sgr) {
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
    else if (code >= 30 && code <= 37) style.fore = PALETTE[code - 30];
    else if (code >= 90 && code <= 97) style.fore = PALETTE[code - 82];
    else if (code >= 40 && code <= 47) style.back = PALETTE[code - 40];
    else if (code >= 100 && code <= 107) style.back = PALETTE[code - 92];
    else if (code === 39) style.fore = undefined;
    else if (code === 49) style.back = undefined;
    else if (code === 38 || code === 48) {
      const which = code === 38 ? "fore" : "back";
      if (codes[index + 1] === 5) {
        style[which] = indexed(codes[index + 2]);
        index += 2;
      } else {
        style[which] = `rgb(${codes.slice(index + 2, index + 5).join(",")})`;
        index += 4;
      }
    }
  }
  return style;
}

function indexed(number) {
  if (number < 16) return PALETTE[number];
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
