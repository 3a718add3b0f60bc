// Makes the pictures of README.md and docs/screen.md: runs the built command in a real terminal
// (tmux), dark and light, on containers of the demo, and draws what is on its screen as SVG. It
// needs tmux, root, and an engine on which docker/demo/up.sh has run (DOCKER_HOST names it; its name
// is in the pictures).
//
//     node scripts/screenshot.mjs
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import stringWidth from "string-width";

process.chdir(fileURLToPath(new URL("../", import.meta.url)));
const COLUMNS = 120;
const ROWS = 36;
const THEMES = {
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
const pictures = {
  // The sparklines need some seconds.
  containers: { args: [], keys: ["G", "k"], until: /rotating/, settleMs: 20_000 },
  files: { args: ["rotating:/log"], keys: ["j"], until: /app\.log/ },
  log: { args: ["demo"], keys: ["/", "request [0-9]*[05] ", "Enter"], until: /request 2[5-9]/ },
  palette: { args: ["rotating:/log"], keys: [":", "o"], until: /app\.log/ },
  help: { args: ["open", "README.md"], keys: ["?"], until: /porthole/ },
};

let theme = THEMES.dark;
// A server of its own for each picture: one that is about to end would take the next session too.
let socket = "";
mkdirSync("docs/pictures", { recursive: true });
const directory = mkdtempSync(`${tmpdir()}/porthole-screen-`);
const terminal = (...args) =>
  spawnSync("tmux", ["-S", socket, "-f", `${directory}/conf`, ...args], { encoding: "utf8" });
try {
  for (const [name, { args, keys = [], until, settleMs = 8000 }] of Object.entries(pictures)) {
    for (const [look, each] of Object.entries(THEMES)) {
      theme = each;
      socket = `${directory}/${name}-${look}`;
      // The answer to OSC 11, by which porthole chooses its colours.
      writeFileSync(`${directory}/conf`, `set -g window-style fg=${theme.foreground},bg=${theme.background}\n`);
      const command = ["node", `${process.cwd()}/dist/porthole.js`, ...args].map((word) => `'${word}'`).join(" ");
      const environment = ["-e", "COLORTERM=truecolor", "-e", `DOCKER_HOST=${process.env.DOCKER_HOST ?? ""}`];
      terminal("new-session", "-d", "-x", String(COLUMNS), "-y", String(ROWS), ...environment, command);
      await shown(until);
      for (const key of keys) terminal("send-keys", key);
      await pause(settleMs);
      writeFileSync(`docs/pictures/${name}-${look}.svg`, svg(terminal("capture-pane", "-e", "-N", "-p").stdout));
      terminal("kill-server");
    }
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

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Draws rows of text with SGR sequences. */
function svg(text) {
  const width = 8.4;
  const height = 18;
  const rows = text.replace(/\n$/, "").split("\n");
  let style = {};
  const parts = rows.flatMap((row, index) => {
    const drawnRow = drawn(row, style, { top: 12 + index * height, width, height });
    // tmux carries the style from row to row.
    style = drawnRow.style;
    return drawnRow.parts;
  });
  const size = [COLUMNS * width + 24, rows.length * height + 24].map(Math.ceil);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size[0]}" height="${size[1]}" viewBox="0 0 ${size[0]} ${size[1]}">`,
    `<rect width="100%" height="100%" rx="6" fill="${theme.background}"/>`,
    `<g font-family="ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace" font-size="14" xml:space="preserve">`,
    ...parts,
    "</g>\n</svg>\n",
  ].join("\n");
}

function drawn(row, before, { top, width, height }) {
  const parts = [];
  let style = before;
  let column = 0;
  for (const [, sgr, text] of row.matchAll(/\x1b\[([\d;:]*)m|([^\x1b]+)/g)) {
    if (text === undefined) {
      style = styled(style, sgr);
      continue;
    }
    const columns = stringWidth(text);
    const [ink, paper] = style.reverse
      ? [style.back ?? theme.background, style.fore ?? theme.foreground]
      : [style.fore ?? theme.foreground, style.back];
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
  return { parts, style };
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
    else if (code >= 30 && code <= 37) style.fore = theme.palette[code - 30];
    else if (code >= 90 && code <= 97) style.fore = theme.palette[code - 82];
    else if (code >= 40 && code <= 47) style.back = theme.palette[code - 40];
    else if (code >= 100 && code <= 107) style.back = theme.palette[code - 92];
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
